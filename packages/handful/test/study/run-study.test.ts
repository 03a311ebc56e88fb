/** What is done once is never done again, what fails takes only its dependants with it, and nothing runs that need not. */
import { readdir, readFile, rm, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { describe, expect, test } from 'vitest'
import { failure } from '../data/support.js'
import { tinyModel } from '../encoders/tiny-encoder.js'
import { contentKey } from '../../src/files/content-key.js'
import type { Stage } from '../../src/stages/stage.js'
import { renderStudyMarkdown } from '../../src/study/report/markdown.js'
import { headlineHead, resultWith } from '../../src/study/results.js'
import { outlineStudy, prepareStudy, runStudy } from '../../src/study/run-study.js'
import { crossovers } from '../../src/study/sections/crossover/crossover.js'
import { studySchema, studySections } from '../../src/study/all-sections.js'
import { parseStudyOptions } from '../../src/study/study-options.js'
import { countedHead, NO_SECTIONS, squares, tiny, useFolder, watched } from './study-support.js'

const folder = useFolder()

describe('a study', () => {
  test('has every method, head, label count and draw', async () => {
    const { context, messages } = watched(folder.path)
    const options = tiny({
      methods: ['pixels', 'pca', 'pixels+pca', 'resnet18'],
      heads: ['prototypes', 'ridge'],
      labels: [2, 1, 'all', 30],
    })
    const study = await runStudy(options, context)
    const cells = study.cells.map(({ method, head, labelsPerClass, accuracies }) =>
      [method, head, labelsPerClass, accuracies.length].join(' '),
    )
    const expected = ['pixels', 'pca', 'pixels+pca'].flatMap((method) =>
      ['prototypes', 'ridge'].flatMap((head) =>
        ['1 2', '2 2', 'all 1'].map((rest) => `${method} ${head} ${rest}`),
      ),
    )
    expected.push('resnet18 network 1 2', 'resnet18 network 2 2', 'resnet18 network all 1')
    expect(cells.sort()).toEqual(expected.sort())
    expect(study.title).toMatch(/: classifiers from few labels$/)
    expect(study.labelCounts).toEqual([1, 2, 'all'])
    expect(study.missing).toEqual([])
    expect(study.complete).toBe(true)
    expect(messages).toContainEqual(
      expect.stringMatching(/^30 labels per class are left out.*has 20 labelled/),
    )
    // All labels of 200 digits tell more than one of each.
    const mean = (labels: unknown): number =>
      study.cells
        .filter((cell) => cell.labelsPerClass === labels && cell.head === 'ridge')
        .reduce((sum, cell) => sum + cell.accuracies[0], 0)
    expect(mean('all')).toBeGreaterThan(mean(1) + 0.3)
    expect(study.methods.map(({ id, kind }) => `${id} ${kind}`)).toEqual([
      'pixels baseline',
      'pca baseline',
      'pixels+pca combination',
      'resnet18 supervised',
    ])
    expect(study.heads.map(({ id }) => id)).toEqual(['prototypes', 'ridge', 'network'])
    const kept = studySchema.parse(JSON.parse(await readFile(path.join(folder.path, 'study.json'), 'utf8')))
    expect(kept).toEqual(study)
  })

  test('trains more draws of a network beside those that there are', async () => {
    const resnet = (draws: number) =>
      tiny({
        methods: ['resnet18'],
        labels: [1],
        supervised: { draws, width: 4, fewestSteps: 3, mostSteps: 3, stems: ['imagenet'] },
      })
    const accuraciesOf = ({ cells }: Awaited<ReturnType<typeof runStudy>>) =>
      cells.find(({ head }) => head === 'network')?.accuracies
    const stages = async () =>
      (await readdir(path.join(folder.path, 'stages'))).filter((name) => name.startsWith('draw-'))
    const one = accuraciesOf(await runStudy(resnet(1), watched(folder.path).context))
    const [kept] = await stages()
    const three = accuraciesOf(await runStudy(resnet(3), watched(folder.path).context))
    expect(three).toHaveLength(3)
    expect(three?.slice(0, 1)).toEqual(one)
    expect(await stages()).toHaveLength(3)
    expect(await stages()).toContain(kept)
  })

  test('fits only the draws that are new where more of them are asked for, and none where fewer are', async () => {
    const head = countedHead()
    const accuracies = async (draws: number, where = folder.path) => {
      const { context } = watched(where, { heads: { counted: head.create } })
      const { cells } = await runStudy(tiny({ labels: [1], draws }), context)
      return cells.find((cell) => cell.head === 'counted')?.accuracies
    }
    const two = await accuracies(2)
    const five = await accuracies(5)
    expect(head.fits).toBe(5)
    expect(five?.slice(0, 2)).toEqual(two)
    expect(await accuracies(3)).toEqual(five?.slice(0, 3))
    expect(head.fits).toBe(5)
    expect(await accuracies(5, `${folder.path}-2`)).toEqual(five)
  })

  test('takes cells of an older version, which had the number of draws in their key', async () => {
    const head = countedHead()
    const heads = { counted: head.create }
    const cellOf = ({ cells }: Awaited<ReturnType<typeof runStudy>>) =>
      cells.find((cell) => cell.head === 'counted')?.accuracies
    const options = (draws: number) => tiny({ labels: [1], draws })
    const kept: { key: string; settings: object }[] = []
    const onStage = (stage: { kind: string; name: string; key: string }): void => {
      if (stage.name.includes('counted')) kept.push(stage as Stage)
    }
    const first = cellOf(await runStudy(options(2), watched(folder.path, { heads, onStage }).context))
    const [{ key, settings }] = kept
    const old = contentKey({ ...settings, draws: 2 })
    const nameOf = (of: string) => path.join(folder.path, 'stages', `cell-${of.slice(0, 16)}.json`)
    const record = JSON.parse(await readFile(nameOf(key), 'utf8')) as object
    await writeFile(nameOf(old), JSON.stringify({ ...record, key: old }))
    await rm(nameOf(key))
    expect(cellOf(await runStudy(options(2), watched(folder.path, { heads }).context))).toEqual(first)
    expect(head.fits).toBe(2)
    const three = cellOf(await runStudy(options(3), watched(folder.path, { heads }).context))
    expect(three?.slice(0, 2)).toEqual(first)
    expect(head.fits).toBe(3)
  })

  test('trains its models in run folders and takes their features', async () => {
    const options = tiny({
      methods: ['vae'],
      models: { vae: { steps: 3, set: { width: 4, hidden: 8, latent: 3, batch: 8 } } },
      labels: [2],
    })
    const study = await runStudy(options, watched(folder.path).context)
    expect(study.methods.map(({ id }) => id)).toEqual(['pixels', 'vae'])
    expect(study.title).toMatch(/: generative features and few labels$/)
    expect(study.methods[1].training).toMatchObject({ steps: 3, batch: 8 })
    const [model] = await readdir(path.join(folder.path, 'models'))
    // As models/<run> it can be given to a study again, which then trains nothing.
    const run = path.join(folder.path, 'models', model)
    const again = watched(`${folder.path}-2`)
    const other = await runStudy(
      tiny({ methods: ['vae'], models: { vae: { run } }, labels: [2] }),
      again.context,
    )
    expect(other.cells.map(({ accuracies }) => accuracies)).toEqual(
      study.cells.map(({ accuracies }) => accuracies),
    )
    const wrong = tiny({ methods: ['vae'], models: { vae: { run } }, seed: 5 })
    await expect(runStudy(wrong, watched(`${folder.path}-3`).context)).rejects.toThrow(/strokes of seed 0/)
  })

  test(
    'trains a model from several seeds, and a network on labelled and unlabelled images',
    { timeout: 300_000 },
    async () => {
      const small = { steps: 3, set: { width: 4, hidden: 8, latent: 3, batch: 8 } }
      const options = (seeds: number) =>
        tiny({
          methods: ['vae', 'vae+pixels', 'fixmatch', 'self-training'],
          models: { vae: small, contrastive: small },
          labels: [1, 'all'],
          seeds,
          fixmatch: { draws: 1, steps: 2, width: 2, batch: 4 },
          selfTraining: { draws: 1, steps: 2 },
          baselines: { patchAtoms: 4, patchSamples: 2000, patchRounds: 2 },
          sections: { ...NO_SECTIONS, reference: true },
        })
      const once = await runStudy(options(1), watched(folder.path).context)
      const { context, begun } = watched(folder.path)
      const study = await runStudy(options(2), context)
      // What was there stays what it was, and is not done again.
      expect(begun.filter((name) => !name.endsWith(', training 2'))).toEqual([])
      expect(begun).toContain('train the vae, training 2')
      const cell = (method: string, from = study) =>
        from.cells.find((one) => one.method === method && one.labelsPerClass === 1)
      for (const method of ['vae', 'vae+pixels']) {
        expect(cell(method)?.accuracies).toEqual(cell(method, once)?.accuracies)
        const [further] = cell(method)?.furtherTrainings ?? []
        expect(further).toHaveLength(2)
        expect(further).not.toEqual(cell(method)?.accuracies)
      }
      expect(cell('pixels')?.furtherTrainings).toBeUndefined()
      // The reference's protocol: five initial weights of its head on the images themselves and on the model's features, as they come
      // and standardised.
      expect(study.likeForLike.map(({ method, standardised = false }) => [method, standardised])).toEqual([
        ['pixels', false],
        ['pixels', true],
        ['vae', false],
        ['vae', true],
      ])
      const ofModel = study.likeForLike.filter(({ method }) => method === 'vae')
      for (const one of ofModel)
        expect(one).toMatchObject({
          labelsPerClass: 1,
          setting: expect.stringContaining('200 epochs') as string,
        })
      expect(study.likeForLike[0].accuracies).toHaveLength(5)
      expect(study.likeForLike).toEqual(once.likeForLike)
      // FixMatch trains the encoder of the study's own contrastive network, in another width if that is said.
      const { detail } = study.methods.find(({ id }) => id === 'fixmatch') ?? {}
      expect(detail).toContain('8 numbers an image, a linear layer on its features')
      // It is no row of networks on the labels alone, and has none where no image is unlabelled.
      expect(study.methods.map(({ id, kind }) => `${id} ${kind}`)).toContain('fixmatch semi-supervised')
      expect(
        study.cells.filter(({ method }) => method === 'fixmatch').map(({ labelsPerClass }) => labelsPerClass),
      ).toEqual([1])
      for (const method of ['fixmatch', 'self-training'])
        expect(cell(method)).toMatchObject({ head: 'network', accuracies: [expect.any(Number)] })
      // What leads is chosen for self-training as for methods beside each other.
      expect(cell('self-training')?.leading).toHaveLength(1)
      expect(cell('fixmatch')?.leading).toBeUndefined()
      // Features and patches that self-training begins with are no methods of the study for that.
      expect(study.cells.some(({ method }) => method === 'patches')).toBe(false)
      expect(crossovers(study, 'headline')).toEqual([])
      expect(resultWith(study, study.methods[1], 1, 'headline')?.estimate).toMatchObject({
        draws: 2,
        trainings: 2,
      })
    },
  )

  test('gives the same for the same seed', async () => {
    const accuracies = async (where: string, seed: number): Promise<number[][]> =>
      (await runStudy(tiny({ seed, heads: ['mlp'] }), watched(where).context)).cells.map(
        (cell) => cell.accuracies,
      )
    const first = await accuracies(`${folder.path}-a`, 1)
    expect(await accuracies(`${folder.path}-b`, 1)).toEqual(first)
    expect(await accuracies(`${folder.path}-c`, 2)).not.toEqual(first)
  })
})

describe('processes that fit heads beside each other', () => {
  const options = (more: Parameters<typeof tiny>[0] = {}) =>
    tiny({ methods: ['pixels', 'pca'], heads: ['mlp', 'propagation', 'smoothed-mlp'], draws: 3, ...more })

  test('find what one process finds', async () => {
    const cells = async (name: string, fitProcesses: number) => {
      const { context } = watched(`${folder.path}-${name}`, { fitProcesses })
      return (await runStudy(options(), context)).cells.map(
        ({ method, head, labelsPerClass, accuracies }) => ({
          ...{ method, head, labelsPerClass, accuracies },
        }),
      )
    }
    const alone = await cells('alone', 1)
    expect(alone).toHaveLength(12)
    expect(await cells('three', 3)).toEqual(alone)
  })

  test('leave a head that the caller brought to the process that it is in', async () => {
    const head = countedHead()
    const { context } = watched(folder.path, { fitProcesses: 2, heads: { counted: head.create } })
    const study = await runStudy(options(), context)
    expect(study.missing).toEqual([])
    expect(head.fits).toBe(12)
  })

  test('a head that the caller brought may be that of the headlines', async () => {
    const heads = { counted: countedHead().create }
    const headed = parseStudyOptions({ ...options(), headline: 'counted' }, 'test', { heads })
    const study = await runStudy(headed, watched(folder.path, { heads }).context)
    expect(headlineHead(study)).toMatchObject({ id: 'counted', title: 'counted' })
    expect(renderStudyMarkdown(study, await studySections(study), 'figures')).toContain(
      'with counted, which was fixed beforehand',
    )
    // Without it, nothing is read or done.
    await expect(runStudy(headed, watched(folder.path).context)).rejects.toThrow(
      /^headline \(runStudy\): got "counted", expected mlp, propagation or smoothed-mlp; give that head/,
    )
    expect(() => parseStudyOptions({ ...options(), headline: 'counted' }, 'test')).toThrow(
      /^option headline \(test\): got "counted", expected auto, /,
    )
  })

  test('are ended with the study, which then goes on where it was', async () => {
    const controller = new AbortController()
    const { context } = watched(folder.path, {
      fitProcesses: 2,
      signal: controller.signal,
      onStage: ({ name }) => {
        if (name === 'pca, mlp, 1 label per class') setTimeout(() => controller.abort(new Error('stop')), 20)
      },
    })
    await expect(runStudy(options({ draws: 12 }), context)).rejects.toThrow('stop')
    const study = await runStudy(options({ draws: 4 }), watched(folder.path, { fitProcesses: 2 }).context)
    expect(study.complete).toBe(true)
  })
})

describe('going on', () => {
  test('does no stage twice', async () => {
    const [method, head] = [squares(), countedHead()]
    const own = { methods: [method], heads: { counted: head.create } }
    const first = await runStudy(tiny(), watched(folder.path, own).context)
    expect([method.opened, head.fits]).toEqual([1, 8])
    const again = watched(folder.path, own)
    const second = await runStudy(tiny(), again.context)
    expect(again.begun).toEqual([])
    expect([method.opened, head.fits]).toEqual([1, 8])
    expect(second.cells).toEqual(first.cells)
  })

  test('after a stop does the rest, and has what was done till then', async () => {
    const controller = new AbortController()
    const stopping = watched(folder.path, { signal: controller.signal })
    const onStage = ({ name }: { name: string }): void => {
      stopping.begun.push(name)
      if (stopping.begun.length === 3) controller.abort(new Error('stopped'))
    }
    await expect(runStudy(tiny(), { ...stopping.context, onStage })).rejects.toThrow('stopped')
    const partial = studySchema.parse(
      JSON.parse(await readFile(path.join(folder.path, 'study.json'), 'utf8')),
    )
    expect([partial.cells.length, partial.complete]).toEqual([1, false])
    const rest = watched(folder.path)
    const study = await runStudy(tiny(), rest.context)
    expect([study.cells.length, study.complete]).toEqual([2, true])
    expect(rest.begun).toEqual(['pixels, prototypes, 2 labels per class'])
  })

  test('with other settings of one method redoes what depends on it alone', async () => {
    const head = countedHead()
    const heads = { counted: head.create }
    await runStudy(tiny(), watched(folder.path, { methods: [squares()], heads }).context)
    const changed = watched(folder.path, { methods: [squares({ side: 8 })], heads })
    await runStudy(tiny(), changed.context)
    expect(changed.begun.length).toBe(5)
    expect(changed.begun.every((name) => name.includes('squares'))).toBe(true)
    // And more labels add cells alone.
    const more = watched(folder.path, { methods: [squares({ side: 8 })], heads })
    await runStudy(tiny({ labels: [1, 2, 4] }), more.context)
    expect(more.begun.every((name) => name.includes('4 labels per class'))).toBe(true)
    expect(more.begun.length).toBe(4)
  })

  test('makes features again that were deleted, where they are asked for', async () => {
    await runStudy(tiny(), watched(folder.path).context)
    await rm(path.join(folder.path, 'features'), { recursive: true })
    const again = watched(folder.path)
    await runStudy(tiny(), again.context)
    expect(again.begun).toEqual([])
    await runStudy(tiny({ labels: [1, 2, 4] }), again.context)
    expect(again.begun).toEqual(['features: pixels', 'pixels, prototypes, 4 labels per class'])
  })

  test('treats a damaged stage as not done', async () => {
    await runStudy(tiny(), watched(folder.path).context)
    const stages = await readdir(path.join(folder.path, 'stages'))
    const cell = stages.find((name) => name.startsWith('cell')) ?? ''
    await writeFile(path.join(folder.path, 'stages', cell), '{"version":1,')
    const again = watched(folder.path)
    await runStudy(tiny(), again.context)
    expect(again.begun).toHaveLength(1)
  })

  test('keeps to its images, and to its own folder', async () => {
    await runStudy(tiny(), watched(folder.path).context)
    const other = { ...tiny(), dataset: 'mnist' as const }
    await expect(runStudy(other, watched(folder.path).context)).rejects.toThrow(/got a study of strokes/)
    await writeFile(`${folder.path}.txt`, '')
    const parent = path.dirname(folder.path)
    await expect(runStudy(tiny(), watched(parent).context)).rejects.toThrow(/holds other things/)
  })
})

describe('a failure', () => {
  test('of a cell is reported in one line and stops nothing else', async () => {
    const heads = { counted: countedHead(1).create }
    const { context, messages } = watched(folder.path, { heads })
    const study = await runStudy(tiny(), context)
    expect(study.cells.map(({ head }) => head)).toEqual(['prototypes', 'prototypes'])
    expect(study.missing).toMatchObject([
      {
        method: 'pixels',
        head: 'counted',
        labelsPerClass: 1,
        reason: 'failed',
        message: 'head "counted" (runStudy): got an error: the head fell over',
      },
      { method: 'pixels', head: 'counted', labelsPerClass: 2, reason: 'failed' },
    ])
    expect(messages).toContain(
      'pixels, counted, 1 label per class: head "counted" (runStudy): got an error: the head fell over',
    )
    // Mended, it is tried again.
    const mended = await runStudy(
      tiny(),
      watched(folder.path, { heads: { counted: countedHead().create } }).context,
    )
    expect([mended.cells.length, mended.missing]).toEqual([4, []])
  })

  test('of features takes the cells on them along', async () => {
    const broken = { ...squares(), open: () => Promise.reject(new Error('no features')) }
    const study = await runStudy(tiny(), watched(folder.path, { methods: [broken] }).context)
    expect(study.cells.map(({ method }) => method)).toEqual(['pixels', 'pixels'])
    expect(study.missing.map(({ what, message }) => `${what}: ${message}`)).toEqual([
      'features: squares: method "squares" (runStudy): got an error: no features',
      'squares, prototypes, 1 label per class: needs "features: squares", which has no result',
      'squares, prototypes, 2 labels per class: needs "features: squares", which has no result',
    ])
  })
})

describe('an outline', () => {
  test('runs nothing, and tells done from to do', async () => {
    const { context, begun } = watched(folder.path)
    const before = await outlineStudy(tiny(), context)
    expect(before.stages.map(({ name, done }) => `${name} ${done}`)).toEqual([
      'features: pixels false',
      'pixels, prototypes, 1 label per class false',
      'pixels, prototypes, 2 labels per class false',
    ])
    expect(before.secondsLeft).toBeGreaterThan(0)
    expect(begun).toEqual([])
    await expect(readdir(folder.path)).rejects.toThrow('ENOENT')
    await runStudy(tiny(), watched(folder.path).context)
    const after = await outlineStudy(tiny({ labels: [1, 2, 4] }), context)
    expect(after.stages.map(({ done }) => done)).toEqual([true, true, true, false])
  })

  test('gives FixMatch as many minutes as the model that is trained longest, unless its own are said', async () => {
    const minutesOf = async (more: Parameters<typeof tiny>[0]): Promise<number> => {
      const options = tiny({ methods: ['fixmatch', 'vae', 'gan'], labels: [1], minutesPerModel: 3, ...more })
      const { stages } = await outlineStudy(options, watched(folder.path).context)
      const seconds = stages.find(({ name }) => name === 'fixmatch, 1 label per class')?.seconds ?? 0
      // Beside its draws' trainings there are the test images to be predicted.
      return Math.round(seconds / (60 * options.fixmatch.draws))
    }
    expect(await minutesOf({})).toBe(3)
    expect(await minutesOf({ models: { vae: { minutes: 22 } } })).toBe(22)
    expect(await minutesOf({ models: { vae: { minutes: 1 }, gan: { minutes: 2 } } })).toBe(2)
    expect(await minutesOf({ models: { vae: { minutes: 22 } }, fixmatch: { minutes: 5 } })).toBe(5)
    // Of models that the study leaves out, and where none is trained for a time.
    expect(await minutesOf({ models: { diffusion: { minutes: 22 } } })).toBe(3)
    expect(await minutesOf({ methods: ['fixmatch', 'vae'], models: { vae: { steps: 3 } } })).toBe(3)
    // A budget shortens them alike: half of it, for two models of 20 minutes.
    const budget = { minutesPerModel: 20, budget: '40m', fixmatch: { draws: 1 } }
    expect(await minutesOf(budget)).toBe(10)
  })

  test("scores samples in the space of the study's encoder too, and does so anew for another one", async () => {
    const generation = async (encoder?: { range: '0,1' | '0,255'; size: number }) => {
      const file = path.join(path.dirname(folder.path), 'tiny.onnx')
      if (encoder) await writeFile(file, tinyModel({ size: encoder.size }))
      const options = tiny({
        methods: ['vae'],
        models: { vae: { steps: 1 } },
        ...(encoder && { encoder: file, encoderRange: encoder.range }),
        sections: { ...NO_SECTIONS, generation: true },
      })
      const { plan } = await prepareStudy(options, watched(folder.path).context)
      const [{ key, seconds }] = plan.stages.filter(({ kind }) => kind === 'generation')
      return { key, seconds }
    }
    const plain = await generation()
    const first = await generation({ range: '0,1', size: 16 })
    expect(first.seconds).toBeGreaterThan(plain.seconds)
    const keys = [plain, first, await generation({ range: '0,255', size: 16 })].map(({ key }) => key)
    keys.push((await generation({ range: '0,1', size: 24 })).key)
    expect(new Set(keys).size).toBe(4)
    expect((await generation({ range: '0,1', size: 16 })).key).toBe(first.key)
  })

  test('sweeps the noise levels of every model that has some', async () => {
    const options = tiny({
      methods: ['diffusion', 'vae', 'flow'],
      models: { diffusion: { steps: 1 }, vae: { steps: 1 }, flow: { steps: 1 } },
      sections: { ...NO_SECTIONS, sweep: true },
    })
    const { stages } = await outlineStudy(options, watched(folder.path).context)
    expect(stages.filter(({ kind }) => kind === 'sweep').map(({ name }) => name)).toEqual([
      'noise levels of diffusion',
      'noise levels of flow',
    ])
  })

  test('has few labels of all methods before many labels of any', async () => {
    const options = tiny({ methods: ['pixels', 'pca'], labels: [1, 'all'], heads: ['propagation', 'mlp'] })
    const { stages } = await outlineStudy(options, watched(folder.path).context)
    const names = stages.filter(({ kind }) => kind === 'cell').map(({ name }) => name)
    const few = names.filter((name) => name.includes('1 label'))
    expect(names.slice(0, few.length)).toEqual(few)
  })
})

describe('a budget', () => {
  const options = tiny({
    methods: ['pixels', 'resnet18', 'vae'],
    labels: [1, 2, 4, 8, 16, 'all'],
    heads: ['prototypes', 'mlp'],
    supervised: { draws: 5, stems: ['imagenet'] },
    draws: 20,
  })

  test('leaves out what costs most, few labels last, and lists it', async () => {
    const { context } = watched(folder.path)
    const whole = await outlineStudy(options, context)
    expect(whole.dropped).toEqual([])
    const some = await outlineStudy({ ...options, budget: '25m' }, context)
    expect(some.secondsLeft).toBeLessThan(25 * 60)
    expect(some.dropped.length).toBeGreaterThan(0)
    expect(some.dropped.every(({ reason }) => reason === 'budget')).toBe(true)
    expect(some.dropped[0].message).toMatch(/^about .*, which does not fit 25 min 00 s for all$/)
    expect(
      some.dropped.some(({ labelsPerClass = 0 }) => labelsPerClass !== 'all' && labelsPerClass < 8),
    ).toBe(false)
    // Training gets half of it at most.
    const training = (minutes: string): Promise<number | undefined> =>
      outlineStudy({ ...options, budget: minutes }, context).then(
        ({ stages }) => stages.find(({ kind }) => kind === 'model')?.seconds,
      )
    expect(await training('40m')).toBe(605)
    expect(await training('10m')).toBe(305)
    const little = await outlineStudy({ ...options, budget: '90s' }, context)
    expect(little.stages.length).toBeLessThan(some.stages.length)
    expect(little.notes.join()).toMatch(/5 draws of the labelled images instead of 20, to fit 90s/)
    expect(little.stages.some(({ name }) => name === 'pixels, prototypes, 1 label per class')).toBe(true)
  })

  test('takes whole methods, so that those left have results, or is refused before anything runs', async () => {
    const many = { ...options, methods: [...options.methods, 'diffusion', 'gan', 'patches', 'vae+patches'] }
    const { context } = watched(folder.path)
    const some = await outlineStudy({ ...many, budget: '90s' }, context)
    expect(some.secondsLeft).toBeLessThanOrEqual(90)
    const cells = some.stages.filter(({ kind }) => kind === 'cell').map(({ name }) => name)
    for (const { name } of some.stages.filter(({ kind }) => kind === 'features')) {
      const method = name.replace('features: ', '').replace(/, mostly .*$/, '')
      expect(
        cells.some((cell) => cell.startsWith(`${method}, `)),
        method,
      ).toBe(true)
    }
    for (const head of many.heads) expect(cells).toContain(`vae, ${head}, 1 label per class`)
    const gone = some.dropped.filter(({ head }) => head === undefined).map(({ method }) => method)
    expect(gone).toContain('diffusion')
    expect(gone).not.toContain('vae')
    const refused = await failure(() => outlineStudy({ ...many, budget: '5s' }, context))
    expect(refused.message).toMatch(
      /^--budget: got 5s, expected at least \d+ min 00 s, in which one method fits/,
    )
  })

  test('plans the same whatever is done', async () => {
    const small = tiny({
      labels: [1, 2, 4, 8, 16, 'all'],
      heads: ['mlp', 'prototypes'],
      budget: '22s',
      draws: 20,
    })
    const { context } = watched(folder.path)
    const before = await outlineStudy(small, context)
    expect(before.dropped.length).toBeGreaterThan(0)
    const study = await runStudy(small, watched(folder.path).context)
    expect(study.missing.length).toBeGreaterThanOrEqual(before.dropped.length)
    const after = await outlineStudy(small, context)
    expect(after.stages.map(({ name }) => name)).toEqual(before.stages.map(({ name }) => name))
  })
})
