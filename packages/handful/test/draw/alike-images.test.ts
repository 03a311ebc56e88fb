/** Which images are shown as alike: whatever the weights, a copy of an image comes first. */
import { Random } from 'onnx-autodiff'
import { expect, test } from 'vitest'
import { alikeImages, showsAlike } from '../../src/draw/alike-images.js'
import { averagedWeights } from '../../src/models/model.js'
import { modelNamed } from '../../src/models/registry.js'

const SIDE = 8
const shape = { size: SIDE, channels: 1 } as const
const bound = (name: string) => {
  const model = modelNamed(name)
  return model.configure(model.preset('fast', shape), shape)
}

test('an image, then its copy, then others, and none twice', async () => {
  const random = new Random(0, 'test images')
  const once = Uint8Array.from({ length: 10 * SIDE * SIDE }, () => random.integer(256))
  const pixels = Uint8Array.from([...once, ...once])
  const paths = Array.from({ length: 20 }, (_, i) => `${i}.png`)
  const images = { name: 'twice', count: 20, height: SIDE, width: SIDE, channels: 1 as const, pixels, paths }
  const model = bound('contrastive')
  const weights = averagedWeights(model.train(10, 0).initialState)
  const rows = await alikeImages({ model, weights }, images, { rows: 6, across: 5, seed: 1, threads: 1 })
  expect(rows.map((row) => row.length)).toEqual([5, 5, 5, 5, 5, 5])
  for (const [first, second, ...others] of rows) {
    expect(second.pixels).toEqual(first.pixels)
    for (const other of others) expect(other.pixels).not.toEqual(first.pixels)
  }
  const again = await alikeImages({ model, weights }, images, { rows: 6, across: 5, seed: 1, threads: 1 })
  expect(again).toEqual(rows)
})

test('models that draw or reconstruct show that instead', () => {
  expect(showsAlike({ model: bound('contrastive') })).toBe(true)
  for (const name of ['vae', 'gan', 'diffusion']) expect(showsAlike({ model: bound(name) })).toBe(false)
})
