/** Numbers for tests (float32 from the start, so that both sides compute with the same), and how far two results are apart. */
import { add, evaluate, mul, type Random, type Shape, sizeOf, sum, type Tensor } from 'onnx-autodiff'

/**
 * As many distinct values as the shape holds, in random order, evenly spaced around zero with none at zero. `offset`
 * (0 to 1) moves the grid within one spacing, so that the values of two inputs differ too.
 */
export function spread(shape: Shape, random: Random, offset = 0): Float64Array {
  const size = sizeOf(shape)
  const spacing = Math.min(0.43, 4 / Math.max(size, 1))
  const places = random.permutation(size)
  return Float64Array.from(places, (place) =>
    Math.fround((place - Math.floor(size / 2) + 0.23 + 0.5 * offset) * spacing),
  )
}

export const normals = (shape: Shape, random: Random, scale = 1): Float64Array =>
  Float64Array.from(random.fillNormal(new Float32Array(sizeOf(shape))), (x) => Math.fround(x * scale))

/** The largest difference, in units of `1 + the largest value`: NaN and infinities count as infinite unless equal. */
export function difference(got: ArrayLike<number>, expected: ArrayLike<number>): number {
  if (got.length !== expected.length) return Infinity
  let scale = 1
  let worst = 0
  for (let i = 0; i < got.length; i++) {
    if (Object.is(got[i], expected[i]) || got[i] === expected[i]) continue
    const apart = Math.abs(got[i] - expected[i])
    worst = Math.max(worst, Number.isFinite(apart) ? apart : Infinity)
    scale = Math.max(scale, Math.abs(expected[i]))
  }
  return worst / scale
}

/** `most` places of a list, from the first to the last. */
export const places = (length: number, most: number): number[] =>
  length <= most
    ? Array.from({ length }, (_, i) => i)
    : Array.from({ length: most }, (_, i) => Math.round((i * (length - 1)) / (most - 1)))

/** Gradients by central differences in double precision, (f(x + h) - f(x - h)) / 2h, at some places of an input. */
export function centralDifferences(
  loss: Tensor,
  target: string,
  feeds: Readonly<Record<string, Float64Array>>,
  at: readonly number[],
): number[] {
  const step = 1e-5
  const moved = (i: number, by: number): number => {
    const values = Float64Array.from(feeds[target])
    values[i] += by
    return evaluate([loss], { ...feeds, [target]: values })[0][0]
  }
  return at.map((i) => (moved(i, step) - moved(i, -step)) / (2 * step))
}

/** sum(y * seed): a loss in which every element of every y has a weight of its own. */
export const weighted = (outputs: readonly Tensor[], seeds: readonly Tensor[]): Tensor =>
  outputs.map((y, i) => sum(mul(y, seeds[i]))).reduce((total, each) => add(total, each))
