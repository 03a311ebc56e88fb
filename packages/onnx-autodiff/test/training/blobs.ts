/** A small problem of three classes that a linear model nearly solves. */
import { crossEntropy, linear, type NamedArray, Random, type TrainedModel } from 'onnx-autodiff'

/** Points [count, 2] around three corners, and which corner. */
export function blobs(count: number, name: string): Record<'x' | 'labels', NamedArray> {
  const random = new Random(0, name)
  const labels = new Int32Array(count).map(() => random.integer(3))
  const x = new Float32Array(2 * count).map(
    (_, i) => [0, 0, 3, 0, 1.5, 3][2 * labels[i >> 1] + (i % 2)] + 0.5 * random.normal(),
  )
  return {
    x: { dtype: 'float32', shape: [count, 2], data: x },
    labels: { dtype: 'int32', shape: [count], data: labels },
  }
}

export const classifier: TrainedModel = (p, { x, labels }) => ({
  loss: crossEntropy(linear(p.scope('layer'), { inputs: 2, outputs: 3 })(x), labels),
})
