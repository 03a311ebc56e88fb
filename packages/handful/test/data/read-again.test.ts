/** Images read again at another size, as an encoder made elsewhere wants them: by the stretch, channels and frames of the run. */
import { describe, expect, it } from 'vitest'
import { openFolder } from '../../src/data/folder.js'
import { folderBlocks } from '../../src/data/image-blocks.js'
import { originalsOf } from '../../src/data/image-set.js'
import { openImages } from '../../src/data/open-images.js'
import type { Originals } from '../../src/data/originals.js'
import { folderOf } from './support.js'
import { tiff, type TiffPage } from './tiff-writer.js'

const SIDE = 8
const [LOW, HIGH] = [1000, 5000]

/** Two channels, of which the second counts: numbers from `low` up in steps of 10. */
const page = (low: number): TiffPage => ({
  width: SIDE,
  height: SIDE,
  channels: 2,
  samples: Uint16Array.from({ length: 2 * SIDE * SIDE }, (_, i) =>
    i % 2 === 0 ? 60_000 : low + 5 * (i - 1),
  ),
  photometric: 1,
  extra: [0],
})

/** What the stretch has to give at full size, by its definition. */
const bytesOf = (low: number): number[] =>
  Array.from({ length: SIDE * SIDE }, (_, i) => Math.round((255 * (low + 10 * i - LOW)) / (HIGH - LOW)))

const files = { 'one.tif': tiff(page(1200)), 'stack.tif': tiff(page(2000), page(3000)) }
const expected = { 'one.tif': bytesOf(1200), 'stack.tif#1': bytesOf(2000), 'stack.tif#2': bytesOf(3000) }

async function readAgain(originals: Originals): Promise<Record<string, number[]>> {
  const names = originals.findByName((own) => own.map((name) => name.slice(name.lastIndexOf('/') + 1)))
  const found: Record<string, number[]> = {}
  for await (const { places, pixels } of originals.read({ size: SIDE, channels: 1, block: 2 })) {
    for (const [i, place] of places.entries())
      found[names[place]] = [...pixels.subarray(i * SIDE * SIDE, (i + 1) * SIDE * SIDE)]
  }
  return found
}

describe('images read again at their full size', () => {
  const reading = { channels: [2], frames: 'all', stretch: [LOW, HIGH] } as const
  const small = { size: 4, fit: 'cover' } as const

  it('are those of a data set', async () => {
    const { channels: bands, frames, stretch } = reading
    const chosen = { bands, frames, stretch, labels: 'optional', seed: 0 } as const
    const { train } = await openFolder({ ...small, ...chosen, folder: folderOf(files) })
    expect(await readAgain(originalsOf(train))).toEqual(expected)
  })

  it('are those of a source of blocks', async () => {
    const source = await folderBlocks({ ...small, channels: 1, reading, folder: folderOf(files) })
    const paths: string[] = []
    for await (const block of source.blocks(10)) paths.push(...block.paths)
    const originals = source.originals?.(paths)
    expect(originals && (await readAgain(originals))).toEqual(expected)
  })

  it('are new images', async () => {
    const { originals } = await openImages([folderOf(files)], { ...small, channels: 1, reading })
    expect(await readAgain(originals)).toEqual(expected)
  })

  it('have the range that was found for the data set, whichever are read again', async () => {
    const folder = folderOf({ 'a.tif': tiff(page(1000)), 'b.tif': tiff(page(4370)) })
    const { train, reading: found } = await openFolder({
      ...small,
      bands: [2],
      labels: 'optional',
      seed: 0,
      folder,
    })
    expect(found).toEqual({ channels: [2], stretch: 'data', integers: [[LOW, HIGH]] })
    expect(await readAgain(originalsOf(train).at([1]))).toEqual({ 'b.tif': bytesOf(4370) })
  })

  it('of no run have the range of all that are given', async () => {
    const folder = folderOf({ 'a.tif': tiff(page(1000)), 'b.tif': tiff(page(4370)) })
    const reading = { channels: [2], stretch: 'data' } as const
    const inputs = [`${folder}/a.tif`, `${folder}/b.tif`]
    const { originals } = await openImages(inputs, { ...small, channels: 1, reading, sampleSeed: 0 })
    expect(await readAgain(originals)).toEqual({ 'a.tif': bytesOf(1000), 'b.tif': bytesOf(4370) })
  })
})
