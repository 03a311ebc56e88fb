/** A model that was read, and what it says of a picture. */
import { loadModel } from '../interpreter/interpreter.js'
import { type ModelMetadata, readMetadata } from './metadata.js'
import { type Picture, squareOf } from './square.js'

export interface Answer {
  /** Of each class. */
  readonly probabilities: readonly number[]
  /** uint8 `[size, size, channels]`: the picture as the model's first input sees it. */
  readonly seen: Uint8Array
  readonly milliseconds: number
}

export interface Classifier {
  readonly metadata: ModelMetadata
  classify(picture: Picture): Answer
  /** Of squares that are made already, uint8 `[size, size, channels]` by the inputs' names. */
  probabilitiesOf(squares: Readonly<Record<string, Uint8Array>>): Float32Array
}

const PROBABILITIES = 'probabilities'

/** The entry of the metadata that `handful export` writes. */
const KEY = 'handful'

/** @throws Error that says in a few words why this is no model that can be run here */
export function openClassifier(bytes: Uint8Array): Classifier {
  const model = loadModel(bytes)
  const metadata = readMetadata(Object.hasOwn(model.metadata, KEY) ? model.metadata[KEY] : undefined)
  const probabilitiesOf: Classifier['probabilitiesOf'] = (squares) => {
    const inputs = Object.fromEntries(
      metadata.inputs.map(({ name, size, channels }) => [
        name,
        { dtype: 'uint8', shape: [1, size, size, channels], data: squares[name] } as const,
      ]),
    )
    return Float32Array.from(model.run(inputs, [PROBABILITIES])[PROBABILITIES].data)
  }
  return {
    metadata,
    probabilitiesOf,
    classify(picture) {
      const started = performance.now()
      const squares = Object.fromEntries(
        metadata.inputs.map((input) => [input.name, squareOf(picture, metadata.square, input)]),
      )
      const probabilities = [...probabilitiesOf(squares)]
      return {
        probabilities,
        seen: squares[metadata.inputs[0].name],
        milliseconds: performance.now() - started,
      }
    },
  }
}
