/** What fit saves gives a new image the features that heads were fitted to: the model's and the patches' beside them. */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { Random } from 'onnx-autodiff'
import { afterAll, beforeAll, expect, test } from 'vitest'
import type { Images } from '../../src/data/image-set.js'
import { loadClassifier, saveClassifier } from '../../src/runs/classifier.js'
import { fitEncoder } from '../../src/features/encoder.js'
import { learnedFeatures } from '../../src/features/feature-sources.js'
import { resolveModel } from '../../src/training/model-options.js'
import { featureNetwork, headRows } from '../../src/runs/classifier-features.js'
import { besideEachOther, extractFeatures } from '../../src/features/extract.js'
import { plainLinearAlgebra } from '../../src/numerics/linear-algebra.js'
import { featureMatrix } from '../../src/numerics/matrix.js'
import { headProblem } from '../../src/heads/head.js'
import { sharedSearch } from '../../src/heads/predictor.js'
import { fitUnlike, restoreUnlike } from '../../src/heads/unlike.js'
import { averagedWeights } from '../../src/models/model.js'
import { RunFolder } from '../../src/runs/run-folder.js'

const linearAlgebra = plainLinearAlgebra()
const image = { size: 12, channels: 1 } as const

function stripes(count: number): Images {
  const random = new Random(2, 'stripes')
  const pixels = new Uint8Array(count * 144)
  for (let i = 0; i < count; i++) {
    const [across, down, phase] = [random.between(-1, 1), random.between(-1, 1), random.between(0, 6)]
    for (let at = 0; at < 144; at++) {
      const wave = Math.sin(across * (at % 12) + down * Math.floor(at / 12) + phase)
      pixels[i * 144 + at] = 128 + 100 * wave + random.between(-9, 9)
    }
  }
  const paths = Array.from({ length: count }, (_, i) => `${i}`)
  return { name: 'stripes', count, height: 12, width: 12, channels: 1, pixels, paths }
}

let parent: string
beforeAll(async () => (parent = await mkdtemp(path.join(tmpdir(), 'handful-encoder-'))))
afterAll(() => rm(parent, { recursive: true }))

test.each([
  [8, ['hidden', 'patches'], 'learned features and patches'],
  [0, ['hidden'], 'learned features'],
])('with %i patches', async (patches, outputs, name) => {
  const images = { ...stripes(90), labels: new Int32Array(90), classNames: ['a', 'b'] }
  const model = resolveModel(
    { model: 'vae', preset: 'fast', set: { width: 4, hidden: 16, latent: 4 } },
    image,
  )
  const weights = averagedWeights(model.train(1, 0).initialState)
  const trained = { model, weights }
  const request = model.defaultFeatures
  const encoder = await fitEncoder(images, { trained, request, patches, seed: 0, linearAlgebra })
  expect(encoder.name).toBe(name)
  const set = await learnedFeatures({ train: images }, encoder, linearAlgebra, { seed: 0, threads: 1 })

  const folder = path.join(parent, `${patches}`)
  const run = await RunFolder.create({
    ...{ folder, parent: '', name: 'encoder', date: new Date(), config: {}, environment: {} },
  })
  const { program, batch } = encoder.network
  const labels = Int32Array.from({ length: 90 }, (_, i) => (i < 12 ? i % 2 : -1))
  const given = headProblem(set, { labels, classCount: 2, random: new Random(1, 'unlike') })
  const unlike = await fitUnlike(given)
  if (unlike === undefined) throw new Error('no score')
  await saveClassifier(run, {
    ...{
      ...image,
      classNames: ['a', 'b'],
      fit: 'cover',
      reading: { stretch: 'data' },
      encoder: program,
      batch,
    },
    outputs: encoder.groups.flatMap((group) => group.outputs),
    normalisation: await set.normalisation(),
    head: { kind: 'linear', classCount: 2, settings: {}, arrays: { weight: featureMatrix(1, 2) } },
    unlike: { parameters: unlike.parameters, references: set.references() },
  })
  await run.close()

  const classifier = await loadClassifier(folder)
  expect(classifier.outputs).toEqual(outputs)
  expect(classifier.batch).toBe(patches === 0 ? undefined : batch)
  const network = await featureNetwork(folder, classifier)
  if (network === undefined) throw new Error('no network was kept')
  const found = await extractFeatures(network, images, outputs, { seed: 0, threads: 1 })
  const normalised = await headRows(
    classifier,
    besideEachOther(outputs.map((output) => found[output])),
    linearAlgebra,
  )
  expect(normalised.columns).toBe(set.train.columns)
  normalised.data.forEach((value, i) => expect(value).toBeCloseTo(set.train.data[i], 4))

  // A linear head keeps no rows: those that images are held against are kept beside it.
  if (classifier.unlike === undefined) throw new Error('no score was kept')
  const { parameters, references } = classifier.unlike
  const score = (kept: typeof parameters, rows: typeof references) =>
    restoreUnlike(kept, sharedSearch(rows, linearAlgebra))(set.train)
  expect(await score(parameters, references)).toEqual(await score(unlike.parameters, set.references()))
})
