/** What the tests of the VAEs and the VQ-VAE share: small images, whole trainings. */
import { type Arrays, type NamedArray, openLocalSession, Random, type Runnable } from 'onnx-autodiff'
import { expect } from 'vitest'
import {
  averagedWeights,
  type FeatureNetwork,
  type ImageShape,
  type Trainable,
  type Weights,
} from '../../src/models/model.js'

/** The outputs of a network for one set of inputs. */
export async function runOnce(network: Runnable, inputs: Arrays): Promise<Arrays> {
  const session = await openLocalSession(network, { threads: 1 })
  try {
    return await session.run(inputs)
  } finally {
    await session.close()
  }
}

/** Runs a program once over a state and closes it. */
export async function takeStep(
  { program, initialState }: Pick<Trainable, 'program' | 'initialState'>,
  state: Arrays,
  inputs: Arrays,
): Promise<{ outputs: Arrays; state: Arrays }> {
  const session = await openLocalSession(program, { threads: 1, state: { ...initialState, ...state } })
  try {
    return { outputs: await session.run(inputs), state: await session.readState() }
  } finally {
    await session.close()
  }
}

/** Sixteen images of 8x8: a bright square of 3x3 in one of sixteen places. */
export const COUNT = 16
export const grey8: ImageShape = { size: 8, channels: 1 }
export const squares = new Uint8Array(COUNT * 64)
for (let i = 0; i < COUNT; i++) {
  for (let at = 0; at < 9; at++) {
    squares[i * 64 + ((i >> 2) + Math.floor(at / 3) + 1) * 8 + (i & 3) + (at % 3) + 1] = 255
  }
}

/** Trains on the squares, all of them in every step; the metrics of each step and the averaged weights. */
export async function trainOnSquares(
  trainable: Trainable,
  steps: number,
): Promise<{ metrics: Record<string, number>[]; weights: Weights }> {
  const { program, initialState, drawInputs, hasSecondView } = trainable
  const session = await openLocalSession(program, { threads: 1, state: initialState })
  const metrics: Record<string, number>[] = []
  const image = (): NamedArray => ({ dtype: 'uint8', shape: [COUNT, 8, 8, 1], data: squares.slice() })
  const draw = (step: number): Arrays => ({
    image: image(),
    target: image(),
    ...(hasSecondView ? { second: image() } : {}),
    ...drawInputs((name) => new Random(1, `${name}/${step}`), step),
  })
  for await (const run of session.advance({ from: 0, to: steps, draw })) {
    for (const outputs of run) {
      metrics.push(
        Object.fromEntries(Object.entries(outputs).map(([name, { data }]) => [name, Number(data[0])])),
      )
    }
  }
  const weights = averagedWeights(await session.readState())
  await session.close()
  return { metrics, weights }
}

/** Mean absolute difference, in 0..1. */
export const difference = (a: ArrayLike<number>, b: ArrayLike<number>): number => {
  expect(a.length).toBe(b.length)
  return (
    Array.from(a, (value, i) => Math.abs(value - b[i])).reduce((sum, each) => sum + each, 0) / a.length / 255
  )
}

export function randomPixels(count: number, { size, channels }: ImageShape): Uint8Array {
  const random = new Random(1, 'pixels')
  return Uint8Array.from({ length: count * size * size * channels }, () => random.integer(256))
}

/** Rows of each output for some images. */
export async function extract(
  { program }: FeatureNetwork,
  image: ImageShape,
  pixels: Uint8Array,
): Promise<Record<string, Float32Array>> {
  const { size, channels } = image
  const count = pixels.length / (size * size * channels)
  const session = await openLocalSession(program, { threads: 1 })
  try {
    const shape = [count, size, size, channels]
    const found = await session.run({ image: { dtype: 'uint8', shape, data: pixels.slice() } })
    return Object.fromEntries(Object.entries(found).map(([name, { data }]) => [name, data as Float32Array]))
  } finally {
    await session.close()
  }
}

/** Of the weights of models/view-disagreement.ts: a row of numbers -> its projection of length 1, by hand. */
export function unitProjectionByHand(initial: Arrays): (row: readonly number[]) => number[] {
  const layer = (name: string, x: readonly number[]): number[] => {
    const [weight, bias] = [initial[`${name}.weight`], initial[`${name}.bias`]]
    const [, outputs] = weight.shape
    return Array.from({ length: outputs }, (_, j) =>
      x.reduce((sum, value, i) => sum + value * Number(weight.data[i * outputs + j]), Number(bias.data[j])),
    )
  }
  return (row) => {
    const hidden = layer('first', row).map((value) => Math.max(value, 0))
    const found = layer('second', hidden)
    const length = Math.hypot(...found)
    return found.map((value) => value / length)
  }
}
