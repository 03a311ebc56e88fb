/** Which cells of a grid are near enough to be seen, so that only those are drawn. */

export interface GridShape {
  readonly columns: number
  /** Of a cell with its gap, in pixels, both ways. */
  readonly pitch: number
  readonly rows: number
  readonly height: number
}

/** Cells as wide as fit, at least `size` pixels, filling the width. */
export function gridShape(count: number, width: number, size: number, gap: number): GridShape {
  const columns = Math.max(1, Math.floor((width + gap) / (size + gap)))
  const pitch = (width + gap) / columns
  const rows = Math.ceil(count / columns)
  return { columns, pitch, rows, height: Math.max(0, rows * pitch - gap) }
}

/** First and one past the last cell to draw, with `over` rows more on both sides. */
export function visibleCells(
  shape: GridShape,
  count: number,
  scrolled: number,
  viewHeight: number,
  over = 2,
): readonly [from: number, to: number] {
  const first = Math.max(0, Math.floor(scrolled / shape.pitch) - over)
  const last = Math.ceil((scrolled + viewHeight) / shape.pitch) + over
  return [Math.min(count, first * shape.columns), Math.min(count, last * shape.columns)]
}

/** Cells that a frame touches; all in pixels of the grid's content. */
export function cellsInFrame(
  shape: GridShape,
  count: number,
  box: { left: number; top: number; right: number; bottom: number },
): number[] {
  const clampColumn = (at: number) => Math.min(shape.columns - 1, Math.max(0, at))
  const cells: number[] = []
  const firstRow = Math.max(0, Math.floor(box.top / shape.pitch))
  const lastRow = Math.min(shape.rows - 1, Math.floor(box.bottom / shape.pitch))
  for (let row = firstRow; row <= lastRow; row++)
    for (
      let column = clampColumn(Math.floor(box.left / shape.pitch));
      column <= clampColumn(Math.floor(box.right / shape.pitch));
      column++
    )
      if (row * shape.columns + column < count) cells.push(row * shape.columns + column)
  return cells
}
