/** Examples in batches: in a random order of a named stream, the last batch as large as what is left. */
import type { Arrays, ArraySpec, NamedArray } from '../arrays.js'
import { Random } from '../random.js'

/** Examples that are made when they are asked for: read from a disk, say, while the step before runs in its thread. */
export interface Examples {
  /** How many there are. */
  readonly count: number
  /** Of one example, by the name of the input that takes it. */
  readonly specs: Readonly<Record<string, ArraySpec>>
  /** These examples stacked along a new first axis. */
  readonly draw: (indices: Uint32Array) => Arrays | Promise<Arrays>
}

/** Arrays with one example in each entry of their first axis, or examples made on demand. */
export type Data = Arrays | Examples

const isExamples = (data: Data): data is Examples => 'draw' in data && typeof data.draw === 'function'

/** @throws RangeError where the arrays do not hold the same number of examples, at least one */
export function examplesOf(data: Data, where: string): Examples {
  const found = isExamples(data) ? data : examplesIn(data, where)
  if (!Number.isSafeInteger(found.count) || found.count < 1)
    throw new RangeError(`${where}: got ${found.count} examples, expected at least 1`)
  return found
}

function examplesIn(arrays: Arrays, where: string): Examples {
  const entries = Object.entries(arrays)
  const counts = new Set(entries.map(([, { shape }]) => shape[0]))
  if (counts.size !== 1) {
    const got = entries.map(([name, { shape }]) => `${name} [${shape.join(', ')}]`).join(', ') || 'nothing'
    throw new RangeError(`${where}: got ${got}, expected arrays with the same number of examples first`)
  }
  return {
    count: [...counts][0],
    specs: Object.fromEntries(
      entries.map(([name, { dtype, shape }]) => [name, { dtype, shape: shape.slice(1) }]),
    ),
    draw: (indices) =>
      Object.fromEntries(entries.map(([name, array]) => [name, takeRows(array, indices)] as const)),
  }
}

/** Entries of the first axis, copied. */
export function takeRows({ dtype, shape, data }: NamedArray, indices: ArrayLike<number>): NamedArray {
  const size = data.length / Math.max(shape[0], 1)
  const rows = data.slice(0, 0)
  const Kind = rows.constructor as new (length: number) => NamedArray['data']
  const taken = new Kind(indices.length * size)
  for (let i = 0; i < indices.length; i++)
    taken.set(data.subarray(indices[i] * size, (indices[i] + 1) * size) as never, i * size)
  return { dtype, shape: [indices.length, ...shape.slice(1)], data: taken }
}

/** The order of an epoch, counted from 0: a permutation of the stream `batch order`, or as the examples come. */
export function orderOfEpoch(count: number, epoch: number, seed: number, shuffle: boolean): Uint32Array {
  return shuffle
    ? new Random(seed, `batch order/${epoch}`).permutation(count)
    : Uint32Array.from({ length: count }, (_, i) => i)
}
