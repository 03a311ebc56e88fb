/** The labels choose which method of a combination leads: once for all heads, and never by test labels. */
import { readdir } from 'node:fs/promises'
import path from 'node:path'
import { Random } from 'onnx-autodiff'
import { expect, test } from 'vitest'
import { featureMatrix } from '../../src/numerics/matrix.js'
import { average } from '../../src/numerics/statistics.js'
import type { FeatureMethod } from '../../src/runs/feature-method.js'
import { renderStudyMarkdown } from '../../src/study/report/markdown.js'
import type { Study } from '../../src/study/result.js'
import { studySections } from '../../src/study/all-sections.js'
import { runStudy } from '../../src/study/run-study.js'
import { squares, tiny, useFolder, watched } from './study-support.js'

const folder = useFolder()

/** Numbers that have nothing to do with the images. */
const noise: FeatureMethod = {
  id: 'noise',
  title: 'noise',
  kind: 'baseline',
  settings: {},
  open: () =>
    Promise.resolve({
      columns: 49,
      extract: ({ count }: { count: number }) => {
        const random = new Random(count, 'noise')
        const rows = featureMatrix(count, 49)
        rows.data.forEach((_, i) => (rows.data[i] = random.normal()))
        return Promise.resolve(rows)
      },
    }),
}

const options = {
  methods: ['noise+squares'],
  heads: ['propagation', 'ridge'] as const,
  draws: 3,
  labels: [1, 4],
}
const asked = (more: object = {}) => tiny({ ...options, heads: [...options.heads], ...more })
const beside = () => watched(folder.path, { methods: [noise, squares()] })
const choices = async (): Promise<string[]> =>
  (await readdir(path.join(folder.path, 'stages'))).filter((name) => name.startsWith('leading-'))

const combined = ({ cells }: Study) => cells.filter(({ method }) => method === 'noise+squares')

test('what tells classes apart leads noise, for all heads alike, and does better than both alike', async () => {
  const chosen = await runStudy(asked(), beside().context)
  for (const cell of combined(chosen)) expect(cell.leading).toEqual([2, 2, 2])
  expect(await choices()).toHaveLength(options.labels.length)
  const alike = await runStudy(asked({ features: 'all' }), beside().context)
  const mean = (study: Study): number => average(combined(study).flatMap(({ accuracies }) => accuracies))
  expect(alike.cells.every(({ leading }) => leading === undefined)).toBe(true)
  expect(mean(chosen)).toBeGreaterThan(mean(alike) + 0.05)
  expect(renderStudyMarkdown(chosen, await studySections(chosen), 'figures')).toContain(
    'at 1 label per class squares 3; at 4 labels per class squares 3',
  )
})

test('draws that are there keep what was chosen when more are asked for', async () => {
  const two = await runStudy(asked({ draws: 2 }), beside().context)
  const three = await runStudy(asked(), beside().context)
  for (const [i, cell] of combined(three).entries()) {
    expect(cell.leading).toHaveLength(3)
    expect(cell.accuracies.slice(0, 2)).toEqual(combined(two)[i].accuracies)
    expect(cell.leading?.slice(0, 2)).toEqual(combined(two)[i].leading)
  }
})

test('fits in processes of their own are those of this process', async () => {
  const here = await runStudy(asked(), beside().context)
  const other = path.join(folder.path, 'elsewhere')
  const context = { ...beside().context, folder: other }
  const there = await runStudy(asked({ threads: 2 }), context)
  expect(there.cells.map(({ accuracies }) => accuracies)).toEqual(
    here.cells.map(({ accuracies }) => accuracies),
  )
})

test('mirrored images count where they look like the others or are asked for, and the report says so', async () => {
  const one = { methods: ['pixels'], heads: ['ridge'] as 'ridge'[], labels: [4] }
  const [auto, no, yes, before] = await Promise.all(
    [undefined, 'no' as const, 'yes' as const, true].map((mirror, i) =>
      runStudy(tiny({ ...one, mirror }), watched(path.join(folder.path, String(i))).context),
    ),
  )
  const told = ({ notes }: Study): boolean => notes.some((note) => note.includes('its mirrored image'))
  expect([auto, no, yes, before].map(told)).toEqual([false, false, true, true])
  expect(auto.cells[0].accuracies).toEqual(no.cells[0].accuracies)
  expect(yes.cells[0].accuracies).toEqual(before.cells[0].accuracies)
  expect(yes.cells[0].accuracies).not.toEqual(no.cells[0].accuracies)
  expect(yes.methods[0].detail).toContain('mirrored too')
})

test('mirrored images count for networks as for features, all rows alike', async () => {
  const options = {
    ...{ methods: ['pixels', 'resnet18', 'fixmatch'], heads: ['ridge'] as 'ridge'[], labels: [4] },
    fixmatch: { draws: 1, steps: 15, width: 3, batch: 8, network: 'resnet18' as const },
  }
  const [no, yes] = await Promise.all(
    (['no', 'yes'] as const).map((mirror) =>
      runStudy(tiny({ ...options, mirror }), watched(path.join(folder.path, mirror)).context),
    ),
  )
  expect(yes.cells).toHaveLength(3)
  for (const [i, { method, predicted }] of yes.cells.entries())
    expect(predicted, method).not.toEqual(no.cells[i].predicted)
  for (const { detail } of yes.methods) expect(detail).toContain('mirrored too')
  expect(yes.methods[2].detail).toContain('ResNet-18, 3x3 stem, width 3')
  for (const { detail } of no.methods) expect(detail).not.toContain('mirrored too')
  expect(yes.notes).toContain(
    'All methods see an image and its mirrored image: features are means over both, and so are the probabilities of networks.',
  )
})

test('self-training is led by what leads the same methods beside each other', async () => {
  const options = tiny({
    ...{ methods: ['contrastive+patches', 'self-training'], heads: ['ridge'], labels: [4], draws: 3 },
    models: { contrastive: { steps: 3, set: { width: 4, hidden: 8, latent: 3, batch: 8 } } },
    selfTraining: { draws: 2, steps: 2 },
    baselines: { patchAtoms: 32, patchSamples: 4000, patchRounds: 4 },
  })
  const study = await runStudy(options, watched(folder.path).context)
  // A model of three steps has learned nothing.
  expect(study.cells.map(({ method, leading }) => [method, leading])).toEqual([
    ['pixels', undefined],
    ['contrastive+patches', [2, 2, 2]],
    ['self-training', [2, 2]],
  ])
  expect(renderStudyMarkdown(study, await studySections(study), 'figures')).toContain(
    'self-training: at 4 labels per class patches 2',
  )
})
