/** A run that is gone on with does what is left, and nothing where nothing is. */
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { type FitOptions, fitOptionsSchema, parseFitOptions } from '../../src/jobs/fit/fit-options.js'
import { runFit } from '../../src/jobs/fit/run.js'
import { Workbench } from '../../src/labelling/workbench.js'
import { readRunConfig } from '../../src/runs/run-files.js'
import { RunFolder } from '../../src/runs/run-folder.js'
import { loadTrainedModel } from '../../src/runs/trained-model.js'
import type { PlannedStage } from '../../src/training/progress.js'
import { exportModel } from '../../src/exports/export-model.js'
import { verifyModel } from '../../src/exports/verify-model.js'
import { runPredict } from '../../src/jobs/predict/run.js'
import { silentProgress } from '../../src/training/progress.js'
import { failure } from '../data/support.js'
import { writeGreyFolders } from '../cli/image-folders.js'

let parent: string
beforeEach(async () => {
  parent = await mkdtemp(path.join(tmpdir(), 'handful-resume-'))
})
afterEach(() => rm(parent, { recursive: true }))

const AFTER_TRAINING = [
  'find patches',
  'compute features',
  'fit classifiers',
  'save the classifier',
  'draw pictures',
  'write the report',
]

/** What a run of these options had to do, by the plan that it told last, and what it said. */
async function fitIn(options: FitOptions, run: RunFolder, stopAt?: string) {
  const controller = new AbortController()
  let planned: readonly PlannedStage[] = []
  const messages: string[] = []
  const progress = {
    plan: (stages: readonly PlannedStage[]) => void (planned = stages),
    report: ({ stage, done, total }: { stage: string; done: number; total: number }) => {
      if (stage === stopAt && done >= total) controller.abort(new Error('stopped'))
    },
    message: (text: string) => void messages.push(text),
    aside: (text: string) => void messages.push(text),
  }
  try {
    const report = await runFit(options, { run, progress, signal: controller.signal })
    return { report, planned: planned.map(({ stage }) => stage).slice(1), messages }
  } catch (error) {
    expect(String(error)).toContain('stopped')
    return { planned: [], messages }
  } finally {
    await run.close()
  }
}

test('fit repeats no stage that is done', { timeout: 300_000 }, async () => {
  const images = path.join(parent, 'images')
  await writeGreyFolders(images, [
    ['dark', 20],
    ['light', 190],
  ])
  const options = fitOptionsSchema.parse({
    folder: images,
    size: 12,
    threads: 1,
    steps: 2,
    patches: 4,
    preset: 'fast',
    set: { width: 4, batch: 4 },
  })
  const folder = path.join(parent, 'run')
  const fit = (run: RunFolder, stopAt?: string) => fitIn(options, run, stopAt)
  const config = { ...options, set: { ...options.set } }
  const run = await RunFolder.create({
    folder,
    parent,
    name: 'run',
    date: new Date(),
    config,
    environment: { command: ['handful', 'fit'] },
  })
  await fit(run, 'compute features')
  const rest = await fit(await RunFolder.resume(folder, {}))
  expect(rest.planned).toEqual(AFTER_TRAINING.slice(2))
  const predictions = await readFile(path.join(folder, 'predictions.csv'), 'utf8')
  const again = await fit(await RunFolder.resume(folder, {}))
  expect(again.planned).toEqual([])
  expect(again.messages).toContain('All of this run is done: nothing is computed again.')
  expect(again.report).toEqual(rest.report)
  // Predictions that were taken away are written again, and nothing else is done.
  await rm(path.join(folder, 'predictions.csv'))
  expect((await fit(await RunFolder.resume(folder, {}))).planned).toEqual(['save the classifier'])
  expect(await readFile(path.join(folder, 'predictions.csv'), 'utf8')).toBe(predictions)
})

/** Two classes, and images of neither. */
async function threeFolders(): Promise<string> {
  const images = path.join(parent, 'images')
  await writeGreyFolders(images, [
    ['dark', 20],
    ['light', 190],
    ['unlabeled', 100],
  ])
  return images
}

/** A run that is stopped in a stage, gone on with from what its config.yaml says, and all that it did then. */
async function stoppedAndGoneOn(options: FitOptions, stopAt: string) {
  const folder = path.join(parent, 'run')
  const config = JSON.parse(JSON.stringify(options)) as Record<string, unknown>
  const environment = { command: ['handful', 'fit'] }
  const place = { folder, parent, name: 'run', date: new Date(), environment }
  await fitIn(options, await RunFolder.create({ ...place, config }), stopAt)
  // What config.yaml holds is read again as what it was.
  const saved = fitOptionsSchema.parse(await readRunConfig(folder))
  expect(saved).toEqual(options)
  return { folder, ...(await fitIn(saved, await RunFolder.resume(folder, {}))) }
}

test.each([
  { mirror: 'auto', network: 'resnet18', set: { width: 2 }, features: 16 },
  { mirror: 'yes', network: 'resnet18', set: { width: 2 }, features: 2 * 16 },
  { mirror: 'yes', network: undefined, set: { width: 2, hidden: 6 }, features: 2 * 6 },
])(
  'FixMatch is trained, judged without a test set, gone on with, asked and exported: --mirror $mirror --network $network',
  { timeout: 300_000 },
  async ({ mirror, network, set, features }) => {
    const images = await threeFolders()
    const options = fitOptionsSchema.parse({
      ...{ folder: images, size: 12, threads: 1, steps: 6, method: 'fixmatch', labelsPerClass: 3 },
      set: { ...set, batch: 4, warmUpSteps: 1, 'fixMatch.ratio': 1 },
      ...{ mirror, network },
    })
    const { folder, report, planned } = await stoppedAndGoneOn(options, 'train without part 1 of 3')
    expect(planned.slice(0, 4)).toEqual([
      ...[1, 2, 3].map((part) => `train without part ${part} of 3`),
      'predict all images',
    ])
    // All labelled images judge, each by a network that was trained without it.
    expect(report?.evaluation).toEqual({ kind: 'leave one out', images: 6 })
    expect(report?.results.map(({ features, chosen }) => `${features} ${chosen}`)).toEqual([
      'FixMatch true',
      'raw pixels false',
      'raw pixels false',
    ])
    expect(report?.training).toMatchObject({ steps: 6, batch: 4 })
    expect(report?.notes.some((note) => note.includes('means over an image and its mirrored image'))).toBe(
      mirror === 'yes',
    )
    expect(report?.next[0].command).toContain('--method fixmatch')
    // What is the default needs no saying.
    expect(report?.next[0].command.includes('--network resnet18')).toBe(network === 'resnet18')
    expect(report?.next[0].command.includes('--network')).toBe(network === 'resnet18')

    const job = { signal: new AbortController().signal, progress: silentProgress }
    const { predictions } = await runPredict({ run: folder, images: [images], threads: 1 }, job)
    const table = await readFile(path.join(folder, 'predictions.csv'), 'utf8')
    for (const { path: file, predicted, probability } of predictions) {
      const row = table
        .split('\n')
        .find((line) => line.startsWith(path.relative(images, file)))
        ?.split(',')
      expect(row?.[2]).toBe(predicted)
      expect(Number(row?.[3])).toBeCloseTo(probability, 3)
    }
    const out = path.join(parent, 'model.onnx')
    const machine = { threads: 1, device: 'cpu' }
    const exported = await exportModel(folder, { out, date: new Date(), ...machine }, job)
    expect(exported.metadata).toMatchObject({
      features,
      normalisation: expect.stringContaining('none') as string,
    })
    expect((await verifyModel({ file: out, ...machine }, job)).difference).toBeLessThan(1e-4)
    expect((await failure(() => loadTrainedModel(folder))).message).toContain(
      'expected a run that trained a generative model',
    )
    expect((await failure(() => Workbench.open(folder, { threads: 1 }))).message).toContain(
      'has no features to label by',
    )
  },
)

test(
  'self-training goes from the model to its encoder, is judged without a test set, gone on with, asked and exported',
  { timeout: 300_000 },
  async () => {
    const images = await threeFolders()
    const options = fitOptionsSchema.parse({
      ...{ folder: images, size: 12, threads: 1, steps: 8, method: 'self-training', labelsPerClass: 3 },
      ...{ patches: 4, preset: 'fast', set: { width: 4, batch: 4 } },
      mirror: 'yes',
    })
    const { folder, report, planned } = await stoppedAndGoneOn(options, 'train the network')
    expect(report?.notes).toContain(
      'Features, those of raw pixels too, are means over an image and its mirrored image.',
    )
    // What leads is chosen by the labels, as in a fit by features.
    expect(report?.notes).toContainEqual(
      expect.stringMatching(
        /^The 6 labels .* chose (learned features and patches|mostly (learned features with patches|patches with learned features)) to classify by/,
      ),
    )
    expect(planned.slice(0, 2)).toEqual(['train without part 1 of 3', 'train without part 2 of 3'])
    expect(report?.evaluation).toEqual({ kind: 'leave one out', images: 6 })
    expect(report?.results.map(({ features, chosen }) => `${features} ${chosen}`)).toEqual([
      'self-training true',
      'raw pixels false',
      'raw pixels false',
    ])
    // The model's, and half as many for the network.
    expect(report?.training).toMatchObject({ steps: 8 + 4 })
    const curves = report?.training?.curves.map(({ name }) => name)
    expect(curves).toEqual(expect.arrayContaining(['model, loss', 'loss', 'used']))
    expect(report?.next[0].command).toContain('--method self-training')

    const job = { signal: new AbortController().signal, progress: silentProgress }
    const { predictions } = await runPredict({ run: folder, images: [images], threads: 1 }, job)
    const table = await readFile(path.join(folder, 'predictions.csv'), 'utf8')
    for (const { path: file, predicted } of predictions) {
      const row = table.split('\n').find((line) => line.startsWith(path.relative(images, file)))
      expect(row?.split(',')[2]).toBe(predicted)
    }
    const machine = { threads: 1, device: 'cpu' }
    const out = path.join(parent, 'model.onnx')
    expect((await exportModel(folder, { out, date: new Date(), ...machine }, job)).metadata).toMatchObject({
      features: 8 + 15,
    })
    expect((await verifyModel({ file: out, ...machine }, job)).difference).toBeLessThan(1e-4)
    // The model that it began with is kept as it was.
    expect((await loadTrainedModel(folder)).model.name).toBe('contrastive')
    expect((await failure(() => Workbench.open(folder, { threads: 1 }))).message).toContain(
      'a run of --method self-training, which has no features to label by',
    )
  },
)

test.each([
  [
    { encoder: 'a.onnx' },
    '--encoder (options): expected none: the network sees pixels alone (--method self-training)',
  ],
  [
    { head: 'mlp' },
    '--head (options): expected none: the network has its own last layer (--method self-training)',
  ],
  [{ model: 'none' }, '--model (options): expected a model: its encoder is what learns on'],
] as const)('what self-training has no use for is refused with its reason: %j', (given, message) => {
  expect(() => parseFitOptions({ folder: 'photos', method: 'self-training', ...given }, {})).toThrow(message)
})

test.each([
  [
    { model: 'vae' },
    '--model (options): expected none: the network itself learns from the unlabelled images',
  ],
  [{ head: 'mlp' }, '--head (options): expected none: the network has its own last layer'],
  [{ patches: 4 }, '--patches (options): expected none'],
  [{ minutes: 1, steps: 2 }, '--steps (options): expected minutes or steps, not both'],
] as const)('what FixMatch has no use for is refused with its reason: %j', (given, message) => {
  expect(() => parseFitOptions({ folder: 'photos', method: 'fixmatch', ...given }, {})).toThrow(message)
})

test('no other method is told what FixMatch trains', () => {
  for (const method of [undefined, 'features', 'self-training'] as const)
    expect(() => parseFitOptions({ folder: 'photos', method, network: 'resnet18' }, {})).toThrow(
      '--network (options): expected none without --method fixmatch, which trains it',
    )
})
