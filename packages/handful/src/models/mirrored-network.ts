/** Networks that see an image and its mirrored image in one run. */
import {
  add,
  cast,
  flipImage,
  fromBatchFirst,
  mul,
  type Tensor,
  toBatchFirst,
  withInput,
} from 'onnx-autodiff'
import type { FeatureNetwork } from './model.js'

/** A network whose outputs are the means of an image's and of its mirrored image's. */
export const mirroredToo = (network: FeatureNetwork): FeatureNetwork =>
  withOutputs(network, (name, own, mirrored) => [[name, mul(add(own, mirrored), 0.5)]])

/** How `besideMirrored` calls an output of the mirrored image. */
export const ofMirrored = (output: string): string => `${output}, mirrored`

/** A network with the outputs of the mirrored image beside those of the image. */
export const besideMirrored = (network: FeatureNetwork): FeatureNetwork =>
  withOutputs(network, (name, own, mirrored) => [
    [name, own],
    [ofMirrored(name), mirrored],
  ])

function withOutputs(
  network: FeatureNetwork,
  made: (name: string, own: Tensor, mirrored: Tensor) => [string, Tensor][],
): FeatureNetwork {
  const { program } = network
  const mirrored = withInput(program, 'image', (image) =>
    toBatchFirst(flipImage(fromBatchFirst(cast(image, 'float32')), { width: true })),
  )
  const outputs = Object.entries(program.outputs).flatMap(([name, own]) =>
    made(name, own, mirrored.outputs[name]),
  )
  return { ...network, program: { ...program, outputs: Object.fromEntries(outputs) } }
}
