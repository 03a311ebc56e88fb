/** A model in the form that `handful export` writes: the mean colour of a picture decides its class. */
import { encodeModel, type OnnxNode, type OnnxTensor } from 'onnx-autodiff'

const SIZE = 8

/** Three classes: red, green, blue. Probabilities are the softmax of the mean colour / 32, features the mean at length 1. */
export function colourModel(classes: readonly [string, string, string]): Uint8Array {
  const node = (
    op: string,
    inputs: string[],
    output: string,
    attributes: OnnxNode['attributes'] = {},
  ): OnnxNode => ({ op, domain: '', name: output, inputs, outputs: [output], attributes })
  const tensor = (name: string, data: Float32Array | BigInt64Array, shape: number[]): OnnxTensor => ({
    name,
    dtype: data instanceof Float32Array ? 'float32' : 'int64',
    shape,
    data,
  })
  return encodeModel({
    graph: {
      name: 'colours',
      nodes: [
        node('Cast', ['image'], 'pixels', { to: { kind: 'int', value: 1 } }),
        node('ReduceMean', ['pixels', 'axes'], 'mean', { keepdims: { kind: 'int', value: 0 } }),
        node('Div', ['mean', 'scale'], 'logits'),
        node('Softmax', ['logits'], 'probabilities', { axis: { kind: 'int', value: -1 } }),
        node('LpNormalization', ['mean'], 'features', { axis: { kind: 'int', value: -1 } }),
      ],
      initializers: [
        tensor('axes', BigInt64Array.from([1n, 2n]), [2]),
        tensor('scale', Float32Array.from([32]), [1]),
      ],
      inputs: [{ name: 'image', dtype: 'uint8', shape: ['batch', SIZE, SIZE, 3] }],
      outputs: [
        { name: 'probabilities', dtype: 'float32', shape: ['batch', 3] },
        { name: 'features', dtype: 'float32', shape: ['batch', 3] },
      ],
    },
    opsets: { '': 21 },
    irVersion: 10,
    producer: 'test',
    metadata: {
      handful: JSON.stringify({
        format: 1,
        classes,
        inputs: [{ name: 'image', type: 'uint8', layout: 'NHWC', size: SIZE, channels: 3 }],
        square: { fit: 'cover', background: '#ffffff' },
      }),
    },
  })
}
