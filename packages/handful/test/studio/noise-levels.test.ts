/** What the view of noise stands on: images at each level, and how far the model's features still tell classes apart there. */
import { appendFile, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import sharp from 'sharp'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { type NoisedImages, NoiseLevels } from '../../src/studio/noise-levels.js'
import { makeRun } from '../exports/make-run.js'

let parent: string
let folder: string
const images = Array.from({ length: 24 }, (_, i) => `${String(i).padStart(2, '0')}.png`)
/** Dark ones and bright ones by turns, half of them labelled. */
const labels = {
  revision: 1,
  images: Int32Array.from({ length: 12 }, (_, i) => i),
  targets: Int32Array.from({ length: 12 }, (_, i) => i % 2),
  classes: [0, 1],
  audit: new Array<boolean>(12).fill(false),
  accepted: new Array<boolean>(12).fill(false),
  auditOfNone: 0,
  decided: Int32Array.from({ length: 12 }, (_, i) => i),
}

beforeAll(async () => {
  parent = await mkdtemp(path.join(tmpdir(), 'handful-noise-'))
  const photos = path.join(parent, 'photos')
  await mkdir(photos)
  for (const [i, name] of images.entries()) {
    const grey = (i % 2 === 0 ? 40 : 200) + (i % 5)
    const drawn = sharp({
      create: { width: 12, height: 12, channels: 3, background: { r: grey, g: grey, b: grey } },
    })
    await writeFile(path.join(photos, name), await drawn.png().toBuffer())
  }
  ;({ folder } = await makeRun(parent, { model: 'diffusion' }))
  await appendFile(path.join(folder, 'config.yaml'), `folder: ${JSON.stringify(photos)}\n`)
})

afterAll(async () => {
  await rm(parent, { recursive: true })
})

/** Standard deviation of the pixels of each level's first picture. */
const grain = (levels: readonly NoisedImages[]): Promise<number[]> =>
  Promise.all(levels.map(async ({ pictures: [picture] }) => (await sharp(picture).stats()).channels[0].stdev))

test(
  'pictures get noisier by level, and accuracy comes level by level until noise hides the classes',
  { timeout: 200_000 },
  async () => {
    let told = 0
    const levels = await NoiseLevels.open(folder, { threads: 1, seed: 0, onAccuracy: () => told++ })
    const shown = images.slice(0, 2)
    const first = await levels.levels(shown, images, labels)
    expect(first.map(({ level }) => level)).toEqual([
      0, 20, 50, 100, 150, 200, 300, 400, 500, 600, 700, 800, 900, 1000,
    ])
    expect(first.every(({ pictures }) => pictures.length === 2)).toBe(true)
    const spread = await grain(first)
    // The schedule's first level has a little of it.
    expect(spread[0]).toBeLessThan(3)
    for (let at = 1; at < 8; at++) expect(spread[at], `level ${at}`).toBeGreaterThan(spread[at - 1])
    await expect.poll(() => told, { timeout: 90_000 }).toBe(first.length)
    const judged = (await levels.levels(shown, images, labels)).map(({ accuracy }) => accuracy ?? -1)
    expect(judged[0]).toBe(1)
    expect(judged.every((accuracy) => accuracy >= 0 && accuracy <= 1)).toBe(true)
    expect(judged.at(-1)).toBeLessThan(0.9)
    // Other labels are judged anew; nothing is told of those before.
    const again = await levels.levels(shown, images, { ...labels, revision: 2 })
    expect(again.some(({ accuracy }) => accuracy === undefined)).toBe(true)
    await expect.poll(() => told, { timeout: 90_000 }).toBe(2 * first.length)
    // What was accepted for being sure proves nothing: with no other label there is nothing to tell.
    const accepted = { ...labels, revision: 3, accepted: labels.accepted.map(() => true) }
    await levels.levels(shown, images, accepted)
    await new Promise((resolve) => setTimeout(resolve, 2000))
    expect(told).toBe(2 * first.length)
  },
)

test('images that are gone are named, and a model without noise says which have it', async () => {
  const levels = await NoiseLevels.open(folder, { threads: 1, seed: 0, onAccuracy: () => {} })
  await expect(levels.levels(['gone.png'], images, labels)).rejects.toThrow(
    /gone\.png.*none of that name any more/,
  )
  const vae = await makeRun(parent, { model: 'vae' })
  await expect(NoiseLevels.open(vae.folder, { threads: 1, seed: 0, onAccuracy: () => {} })).rejects.toThrow(
    /run of the model vae.*train diffusion or flow/,
  )
})
