/** Lines over a number, by uPlot; redrawn in place when the values change. */
import { useEffect, useRef } from 'preact/hooks'
import uPlot from 'uplot'
import 'uplot/dist/uPlot.min.css'
import { axisValues, value } from '../logic/format.js'
import { readableRange } from '../logic/panels.js'

export interface Line {
  readonly name: string
  readonly colour: string
  /** Points in rising order of x; null where a value is no number: a gap. */
  readonly points: readonly (readonly [x: number, y: number | null])[]
  readonly dashed?: boolean
  readonly dots?: boolean
}

export interface ChartProps {
  /** What it shows, for those who do not see it. */
  readonly name: string
  readonly lines: readonly Line[]
  readonly height: number
  readonly xName: string
  readonly yRange?: readonly [low: number, high: number]
  readonly xRange?: readonly [low: number, high: number]
  readonly asPercent?: boolean
  /** The same of the numbers that the lines go over. */
  readonly xAsPercent?: boolean
  /** One small chart of many: its axis has no name, and the few values are left outside that would make the rest a level line. */
  readonly isPanel?: boolean
}

export function Chart(props: ChartProps) {
  const place = useRef<HTMLDivElement>(null)
  const plot = useRef<uPlot | null>(null)
  const dark = useRef(matchMedia('(prefers-color-scheme: dark)'))
  const shape = JSON.stringify([
    props.lines.map(({ name, colour }) => [name, colour]),
    props.height,
    props.xName,
  ])

  useEffect(() => {
    const element = place.current
    if (element === null) return
    const make = () => {
      plot.current?.destroy()
      plot.current = new uPlot(options(props, element), table(props.lines), element)
    }
    make()
    const observer = new ResizeObserver(() =>
      plot.current?.setSize({ width: element.clientWidth, height: props.height }),
    )
    observer.observe(element)
    const scheme = dark.current
    scheme.addEventListener('change', make)
    return () => {
      observer.disconnect()
      scheme.removeEventListener('change', make)
      plot.current?.destroy()
      plot.current = null
    }
  }, [shape])

  useEffect(() => plot.current?.setData(table(props.lines)), [props.lines])
  return (
    <div
      class="chart"
      ref={place}
      role="img"
      aria-label={describe(props)}
      style={{ minHeight: `${props.height}px` }}
    />
  )
}

/** One table of all lines: uPlot wants one column of x. */
function table(lines: readonly Line[]): uPlot.AlignedData {
  if (lines.length === 0) return [[]]
  const tables = lines.map(({ points }): uPlot.AlignedData => [
    points.map(([x]) => x),
    points.map(([, y]) => y),
  ])
  return tables.length === 1 ? tables[0] : uPlot.join(tables)
}

function options(props: ChartProps, element: HTMLElement): uPlot.Options {
  const style = getComputedStyle(element)
  const ink = style.getPropertyValue('--soft')
  const grid = { stroke: style.getPropertyValue('--line'), width: 1 }
  const font = `12px ${style.fontFamily}`
  return {
    width: Math.max(100, element.clientWidth),
    height: props.height,
    scales: {
      x: { time: false, ...(props.xRange === undefined ? {} : { range: [...props.xRange] }) },
      y:
        props.yRange !== undefined
          ? { range: [...props.yRange] }
          : props.isPanel === true
            ? { range: (plot) => readableRange(plot.data.slice(1).flatMap((column) => [...column])) }
            : {},
    },
    legend: { show: false },
    cursor: { drag: { x: true, y: false } },
    axes: [
      {
        stroke: ink,
        grid: { show: false },
        ticks: grid,
        font,
        ...(props.isPanel === true ? {} : { label: props.xName, labelFont: font, labelSize: 18 }),
        size: 34,
        ...(props.xAsPercent === true
          ? { values: (_: uPlot, splits: number[]) => [...axisValues(splits, true)] }
          : {}),
      },
      {
        stroke: ink,
        grid,
        ticks: { show: false },
        font,
        size: 58,
        ...(props.isPanel === true ? { space: 20 } : {}),
        values: (_, splits) => [...axisValues(splits, props.asPercent)],
      },
    ],
    series: [
      {},
      ...props.lines.map((line): uPlot.Series => ({
        label: line.name,
        stroke: line.colour,
        width: 2,
        // Steps that another line has are passed over; a value that is no number is a gap.
        spanGaps: false,
        points: { show: line.dots === true, size: 7, fill: line.colour },
        ...(line.dashed === true ? { dash: [6, 5] } : {}),
      })),
    ],
  }
}

function describe({ name, lines, xName }: ChartProps): string {
  const last = lines
    .filter(({ points }) => points.length > 0)
    .map(
      ({ name: line, points }) =>
        `${line} ${value(points[points.length - 1][1] ?? NaN)} at ${xName} ${value(points[points.length - 1][0])}`,
    )
  return last.length === 0 ? `${name}: no points yet` : `${name}: ${last.join('; ')}`
}
