/**
 * A loop that adds up: the same computation on each slice of its inputs, the results summed. With slices of a batch
 * and gradients as results this is a training step in micro-batches, whose memory does not grow with the batch. In
 * ONNX it is a Loop; whatever does not depend on the slice is computed once, outside.
 */
import { GraphError, shapeError, sizeOf } from './shape.js'
import { input, type LoopNode, makeNode, type Node, type Tensor, type Values } from './tensor.js'
import { dependencies, topologicalOrder } from './walk.js'

/**
 * For inputs [rounds, ...] computes `compute(slices)` for each round's slices [...] and returns the sums of the results
 * over all rounds. The results must be float32. No gradient flows through the loop: take gradients inside it.
 */
export function sumOverSlices(
  inputs: readonly Tensor[],
  compute: (slices: readonly Tensor[]) => readonly Tensor[],
): Tensor[] {
  const rounds = inputs[0]?.shape[0]
  if (rounds === undefined || inputs.some(({ shape }) => shape[0] !== rounds)) {
    const shapes = inputs.map(({ shape }) => shape)
    shapeError(
      'sumOverSlices',
      shapes,
      'at least one input, all with the same number of rounds as first extent',
    )
  }
  const slices = inputs.map(({ shape, dtype }, i) => input(`slice ${i}`, shape.slice(1), dtype))
  const results = compute(slices)
  for (const [i, { dtype }] of results.entries())
    if (dtype !== 'float32')
      throw new GraphError(`sumOverSlices (result ${i}): got ${dtype}, expected float32`)
  const make = (outputs: readonly Tensor[]): LoopNode => ({
    kind: 'loop',
    inputs,
    rounds,
    slices,
    results,
    outputs,
  })
  return [...makeNode(make, results).outputs]
}

/** The nodes of a loop's region that depend on its slices, in order; the rest belongs outside. */
export function nodesInside({ slices, results }: LoopNode): Set<Node> {
  const inside = new Set<Node>(slices.map((slice) => slice.node))
  for (const each of topologicalOrder(results)) {
    if (dependencies(each).some((tensor) => inside.has(tensor.node))) inside.add(each)
  }
  return inside
}

/** The loop's sums, in double precision; `evaluateRound` gives the results of one round from its slices. */
export function evaluateLoop(
  { inputs, rounds, slices, results }: LoopNode,
  known: ReadonlyMap<Tensor, Values>,
  evaluateRound: (results: readonly Tensor[], slices: ReadonlyMap<Tensor, Values>) => Float64Array[],
): Float64Array[] {
  const totals = results.map(({ shape }) => new Float64Array(sizeOf(shape)))
  for (let round = 0; round < rounds; round++) {
    const values = slices.map((slice, i): [Tensor, Values] => {
      const size = sizeOf(slice.shape)
      const data = (known.get(inputs[i]) as Values).data.subarray(round * size, (round + 1) * size)
      return [slice, { shape: slice.shape, data }]
    })
    evaluateRound(results, new Map(values)).forEach((result, i) => {
      result.forEach((value, k) => (totals[i][k] += value))
    })
  }
  return totals
}
