/** Runs an exported model, checked as any file that may come from anywhere. */
import { type Arrays, type ForeignModel, openLocalSession, type Program, type Session } from 'onnx-autodiff'
import { FEATURES, type ModelMetadata, PROBABILITIES } from './model-format.js'

/** Images of one run, at most. */
const TOGETHER = 16

export interface RunningModel {
  /**
   * `[images, classes]` probabilities of images, uint8 `[images, size, size, channels]` by the inputs' names.
   * @throws Error where onnxruntime refuses them
   */
  probabilities(pixels: Readonly<Record<string, Uint8Array>>, count: number): Promise<Float32Array>
  close(): Promise<void>
}

export async function openModel(
  model: ForeignModel,
  metadata: Pick<ModelMetadata, 'inputs' | 'batch' | 'classes' | 'features'>,
  options: { readonly threads?: number; readonly device?: string },
): Promise<RunningModel> {
  const { inputs, batch, classes } = metadata
  const session: Session = await openLocalSession(programOfModel(model, metadata), options)
  return {
    async probabilities(pixels, count) {
      const found = new Float32Array(count * classes.length)
      const step = batch ?? TOGETHER
      for (let start = 0; start < count; start += step) {
        const end = Math.min(count, start + step)
        const arrays: Arrays = Object.fromEntries(
          inputs.map(({ name, size, channels }) => {
            const bytes = size * size * channels
            const data = pixels[name].slice(start * bytes, end * bytes)
            return [name, { dtype: 'uint8', shape: [end - start, size, size, channels], data }]
          }),
        )
        const { [PROBABILITIES]: given } = await session.run(arrays)
        found.set(given.data as Float32Array, start * classes.length)
      }
      return found
    },
    close: () => session.close(),
  }
}

/** What runs is written again from what was read and checked. */
function programOfModel(
  model: ForeignModel,
  { inputs, batch, classes, features }: Pick<ModelMetadata, 'inputs' | 'batch' | 'classes' | 'features'>,
): Program {
  const shape = (...rest: number[]): number[] => [batch ?? -1, ...rest]
  const open = (...rest: number[]): (number | string)[] => [batch ?? 'batch', ...rest]
  const outputs = { [PROBABILITIES]: classes.length, [FEATURES]: features }
  return {
    model: model.surround({
      inputs: inputs.map(({ name, size, channels }) => ({
        name,
        dtype: 'uint8',
        shape: open(size, size, channels),
      })),
      before: [],
      after: [],
      initializers: [],
      outputs: Object.entries(outputs).map(([name, columns]) => ({
        name,
        dtype: 'float32',
        shape: open(columns),
      })),
      metadata: {},
    }),
    inputs: Object.fromEntries(
      inputs.map(({ name, size, channels }) => [
        name,
        { dtype: 'uint8', shape: shape(size, size, channels) } as const,
      ]),
    ),
    outputs: Object.fromEntries(
      Object.entries(outputs).map(([name, columns]) => [
        name,
        { dtype: 'float32', shape: shape(columns) } as const,
      ]),
    ),
    state: {},
  }
}
