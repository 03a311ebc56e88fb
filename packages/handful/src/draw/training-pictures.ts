/**
 * What a model makes while it trains, as files in the run's samples/, named by their step:
 *
 *     samples-1200.png            new images, the same noise each time
 *     reconstructions-1500.png    the same images each time, and the model's versions below them
 *     neighbours-1500.png         of a model that makes neither: the same images each time, and beside them the likest others
 *
 * One after the other by turns, since opening a network costs more than running it a few times.
 */
import { readdir, rm } from 'node:fs/promises'
import sharp from 'sharp'
import { imageBytes, type Images } from '../data/image-set.js'
import type { BoundModel, Weights } from '../models/model.js'
import { RUN_FILES } from '../runs/run-files.js'
import type { RunFolder } from '../runs/run-folder.js'
import type { Looks } from '../training/looks.js'
import type { JobContext } from '../training/progress.js'
import { alikeImages, showsAlike } from './alike-images.js'
import { imageGrid } from './grid.js'
import { pairedGrid, splitImages } from './model-pictures.js'

/** Sheets of large images have fewer of them, and small images are shown at twice their size. */
const [ACROSS, ACROSS_LARGE, LARGE_SIDE, TINY_SIDE] = [8, 4, 64, 32]
const ROWS = 2
const ALIKE_ROWS = 4
/** Of samplers that go in steps, which take long: enough to see what has been learned. */
const [SAMPLER_STEPS, ROWS_IN_STEPS] = [6, 1]
/** Of opening networks. */
const OPENING_SECONDS = 0.5

type Drawn = { readonly kind: string; readonly sheet: Buffer } | undefined

const STEP_IN_NAME = /^(?:samples|reconstructions|neighbours)-(\d{1,9})\.png$/

export function trainingPictures(
  run: RunFolder,
  model: BoundModel,
  images: Images,
  {
    seed,
    threads,
    signal,
    progress,
  }: Pick<JobContext, 'signal' | 'progress'> & { seed: number; threads: number },
): Looks {
  const { size } = model.image
  const across = size > LARGE_SIDE ? ACROSS_LARGE : ACROSS
  const inSteps = model.samplerOptions.includes('steps')
  const count = across * (inSteps ? ROWS_IN_STEPS : ROWS)
  const scale = size > TINY_SIDE ? 1 : 2
  const options = { threads, signal }
  const steps = inSteps ? { steps: SAMPLER_STEPS } : {}
  const kinds = [
    ...(model.sample ? [samples] : []),
    ...(model.reconstruct ? [reconstructions] : []),
    ...(showsAlike({ model }) ? [neighbours] : []),
  ]
  let looks = 0
  let failed = false

  async function samples(weights: Weights): Promise<Drawn> {
    const drawn = await model.sample?.(weights, { ...options, ...steps, count, seed })
    if (drawn === undefined) return undefined
    return { kind: 'samples', sheet: await imageGrid(splitImages(drawn, model.image), across, scale) }
  }

  async function reconstructions(weights: Weights): Promise<Drawn> {
    const seen = images.pixels.slice(0, Math.min(across, images.count) * imageBytes(images))
    const made = await model.reconstruct?.(weights, seen, options)
    if (made === undefined) return undefined
    const [inputs, outputs] = [seen, made].map((pixels) => splitImages(pixels, model.image))
    return { kind: 'reconstructions', sheet: await pairedGrid(inputs, outputs, across, scale) }
  }

  async function neighbours(weights: Weights): Promise<Drawn> {
    const found = await alikeImages({ model, weights }, images, {
      ...options,
      rows: ALIKE_ROWS,
      across,
      seed,
    })
    return { kind: 'neighbours', sheet: await imageGrid(found.flat(), across, scale) }
  }

  async function draw(step: number, weights: Weights): Promise<void> {
    const drawn = await kinds[looks++ % kinds.length](weights)
    if (drawn === undefined) return
    // 256 colours are enough to look at, and a third of the bytes.
    const png = await sharp(drawn.sheet).png({ palette: true, effort: 1 }).toBuffer()
    await run.writeFile(`${RUN_FILES.samples}/${drawn.kind}-${step}.png`, png)
  }

  return {
    expectedSeconds: OPENING_SECONDS + (count / model.cost.samplesPerSecond) * (size / 32) ** 2,
    async start(step) {
      const folder = run.path(RUN_FILES.samples)
      for (const name of await readdir(folder).catch(() => [])) {
        const [, of] = STEP_IN_NAME.exec(name) ?? []
        if (of !== undefined && Number(of) > step)
          await rm(run.path(RUN_FILES.samples, name), { force: true })
      }
    },
    async look(step, weights) {
      if (failed || kinds.length === 0) return
      try {
        await draw(step, weights)
      } catch (error) {
        // A training that is stopped meanwhile stops by itself, with what it has done saved first.
        if (signal.aborted) return
        failed = true
        const reason = error instanceof Error ? error.message : String(error)
        progress.message(`pictures of step ${step}: ${reason}; training goes on without pictures`)
      }
    },
  }
}
