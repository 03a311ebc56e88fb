/** The VAE that compares two views of each image: its loss by hand, and the network for photographs. */
import { input, Parameters, Random, sizeOf, evaluate } from 'onnx-autodiff'
import { describe, expect, test } from 'vitest'
import { averagedWeights, type ImageShape } from '../../src/models/model.js'
import { vae } from '../../src/models/vae/vae.js'
import { contrastive, type VaeConfig } from '../../src/models/vae/config.js'
import { viewDisagreement } from '../../src/models/view-disagreement.js'
import {
  COUNT,
  difference,
  extract,
  grey8,
  randomPixels,
  squares,
  trainOnSquares,
  unitProjectionByHand,
} from './vae-support.js'

const colour: ImageShape = { size: 20, channels: 3 }
const small: VaeConfig = {
  ...contrastive(colour),
  network: 'pyramid',
  width: 8,
  blocks: 2,
  decoderWidth: 8,
  latent: 6,
  beta: 0.01,
  batch: COUNT,
  learningRate: 3e-3,
  warmUpSteps: 10,
  invariance: { weight: 2, temperature: 0.2, projection: 8 },
}

test('the disagreement of views is what the equation says, and least where partners are alike', () => {
  const [rows, numbers, temperature] = [6, 4, 0.5]
  const p = new Parameters('train')
  const h = input('h', [rows, numbers])
  const loss = viewDisagreement(p, h, { temperature, projection: 3 })
  const initial = p.initialize(1)
  const known = Object.fromEntries(Object.entries(initial).map(([name, array]) => [name, array.data]))
  const value = (data: Float32Array): number => Number(evaluate([loss], { h: data, ...known })[0][0])

  const project = unitProjectionByHand(initial)
  const byHand = (data: Float32Array): number => {
    const z = Array.from({ length: rows }, (_, i) =>
      project(Array.from(data.subarray(i * numbers, (i + 1) * numbers))),
    )
    const similarity = (i: number, j: number): number =>
      Math.exp(z[i].reduce((sum, each, k) => sum + each * z[j][k], 0) / temperature)
    const terms = z.map((_, i) => {
      const others = z.map((_, k) => k).filter((k) => k !== i)
      const all = others.reduce((sum, k) => sum + similarity(i, k), 0)
      return -Math.log(similarity(i, (i + rows / 2) % rows) / all)
    })
    return terms.reduce((sum, term) => sum + term, 0) / rows
  }
  const data = new Random(1, 'views').fillNormal(new Float32Array(rows * numbers))
  expect(value(data)).toBeCloseTo(byHand(data), 4)
  const alike = Float32Array.from([...data.subarray(0, 12), ...data.subarray(0, 12)])
  expect(value(alike)).toBeCloseTo(byHand(alike), 4)
  expect(value(alike)).toBeLessThan(value(data))
})

describe('the network for photographs', () => {
  test('learns sixteen images by heart and tells them apart', async () => {
    const steps = 600
    const { metrics, weights } = await trainOnSquares(vae.configure(small, grey8).train(steps, 1), steps)
    for (const { loss, reconstruction, divergence, invariance } of metrics.slice(0, 5)) {
      expect(loss / (reconstruction + small.beta * divergence + 2 * invariance)).toBeCloseTo(1, 4)
    }
    const [first, last] = [metrics[0], metrics[steps - 1]]
    expect(last.invariance).toBeLessThan(0.5 * first.invariance)
    const shown = (await vae
      .configure(small, grey8)
      .reconstruct?.(weights, squares, { threads: 1 })) as Uint8Array
    expect(difference(shown, squares)).toBeLessThan(0.06)
  })

  test('gives features that do not depend on the other images, in the shapes that are listed', async () => {
    const weights = averagedWeights(vae.configure({ ...small, batch: 2 }, colour).train(10, 1).initialState)
    const layers = vae.configure(small, colour).layers()
    const names = layers.map(({ name }) => name)
    expect(names.slice(0, 5)).toEqual([
      'encoder.level1',
      'encoder.level2',
      'encoder.level3',
      'encoder.pooled',
      'mean',
    ])
    const pixels = randomPixels(3, colour)
    const network = vae.configure(small, colour).features(weights, { layers: names, pooling: 'none' })
    const together = await extract(network, colour, pixels)
    const alone = await extract(network, colour, pixels.slice(2 * (pixels.length / 3)))
    for (const { name, shape } of layers) {
      expect([name, alone[name].length]).toEqual([name, sizeOf(shape)])
      alone[name].forEach((value, i) => expect(together[name][2 * sizeOf(shape) + i]).toBeCloseTo(value, 4))
    }
  })
})
