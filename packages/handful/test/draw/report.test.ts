/** The page says what was found, no more than that, and holds together whatever is put into it. */
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { describe, expect, test } from 'vitest'
import { renderReport } from '../../src/draw/render.js'
import { loadReport, writeReportPage } from '../../src/draw/save-report.js'
import { suggestNext } from '../../src/jobs/next.js'
import { summarise } from '../../src/draw/summary.js'
import { runReportSchema, type RunReport } from '../../src/draw/run-report.js'
import { exampleReport } from './example-report.js'

const example = await exampleReport()
const twoLabels = await exampleReport({ kind: 'leave one out', labelsPerClass: 2 })

/** Chosen classifier right on every labelled image. */
const perfect = await exampleReport({ kind: 'leave one out', labelsPerClass: 3, classes: ['cat', 'dog'] })
const perfectRun: RunReport = {
  ...perfect,
  results: perfect.results.map((result) => ({ ...result, accuracies: [1] })),
  confusion: [
    [3, 0],
    [0, 3],
  ],
}

describe('the page', () => {
  const page = renderReport(example)

  test('puts the accuracy with its interval beside the raw pixels', () => {
    const mean = example.results[0].accuracies.reduce((sum, value) => sum + value, 0) / 5
    expect(page).toContain(`${(mean * 100).toFixed(1)}<small> %</small>`)
    expect(page).toMatch(/of 3,000 test images recognised, from 4 labels per class/)
    expect(page).toMatch(/95\u00a0% interval [\d.]+\u00a0% to [\d.]+\u00a0%, over 5 draws/)
    expect(page).toMatch(/The same classifier on raw pixels: [\d.]+\u00a0%, [\d.]+ points less/)
  })

  test('needs nothing from outside', () => {
    const sources = [...page.matchAll(/(?:src|href)="([^"]*)"/g)].map(([, source]) => source)
    expect(sources.length).toBeGreaterThan(200)
    expect(sources.filter((source) => !/^(data:image\/png;base64,|#)/.test(source))).toEqual([])
    expect(page).not.toMatch(/<script|@import|url\(|https?:/)
    expect(page).toContain("default-src 'none'; img-src data:; style-src 'unsafe-inline'")
  })

  test('is the same every time', () => {
    expect(renderReport(runReportSchema.parse(JSON.parse(JSON.stringify(example))))).toBe(page)
  })

  test('names what was skipped, the exact command, settings and next steps', () => {
    for (const text of [
      'unlabeled/IMG_0041.jpg',
      'a truncated JPEG file',
      example.command,
      'labelsPerClass',
      '20.20.2',
    ])
      expect(page).toContain(text)
    expect(page).toContain('handful predict runs/2026-05-04-strokes new-images/')
  })

  test('escapes whatever came from outside', () => {
    const nasty = `<img src=x onerror=alert(1)>"'&`
    const run = {
      ...example,
      title: nasty,
      command: nasty,
      notes: [nasty],
      dataset: { ...example.dataset, name: nasty, classes: example.dataset.classes.map(() => nasty) },
      skipped: [{ path: nasty, reason: nasty }],
      config: { [nasty]: nasty },
    }
    const nastyPage = renderReport(run)
    expect(nastyPage).not.toContain('<img src=x')
    expect(nastyPage).toContain('&lt;img src=x onerror=alert(1)&gt;&quot;&#39;&amp;')
  })

  test('does without the parts that a run has not got', () => {
    const bare = {
      ...example,
      confusion: undefined,
      training: undefined,
      reconstructions: [],
      samples: [],
      skipped: [],
      next: [],
    }
    const barePage = renderReport(bare)
    for (const id of ['classes', 'training', 'model', 'skipped', 'next'])
      expect(barePage).not.toContain(`id="${id}"`)
    for (const id of ['accuracy', 'predictions', 'setup']) expect(barePage).toContain(`id="${id}"`)
  })

  test('lists confusions instead of drawing a hundred columns', async () => {
    const many = await exampleReport({ classes: Array.from({ length: 30 }, (_, i) => `class ${i}`) })
    const manyPage = renderReport(many)
    expect(manyPage).not.toContain('class="confusion"')
    expect(manyPage).toContain('The commonest confusions')
    expect(manyPage).toContain('10 more classes')
  })
})

describe('honesty', () => {
  test('two labels a class are too few to judge', () => {
    const page = renderReport(twoLabels)
    expect(page).toContain('Too few labels to judge')
    expect(page).not.toContain('id="classes"')
    expect(summarise(twoLabels).lines.join('\n')).toMatch(/Too few labels to judge.*at least 3 of each class/)
    expect(summarise(twoLabels).data.judged).toBe(false)
  })

  test('on a test set they are not', async () => {
    const run = await exampleReport({ labelsPerClass: 1 })
    expect(renderReport(run)).not.toContain('Too few')
    expect(summarise(run).data.judged).toBe(true)
  })

  test('a model of few steps is said to be one, on the page and in the terminal', async () => {
    const run = await exampleReport({ labelsPerClass: 4 })
    const said = 'The model was trained for 159 steps only, too few to learn much'
    expect(renderReport(run)).not.toContain('too few to learn')
    expect(summarise(run).lines.join('\n')).not.toContain('too few to learn')
    const short = { ...run, training: run.training && { ...run.training, steps: 159 } }
    expect(renderReport(short)).toContain(said)
    expect(summarise(short).lines.join('\n')).toContain(said)
  })

  test('all of six labelled images right is no 100 %', () => {
    const page = renderReport(perfectRun)
    expect(page).toContain('60–100<small> %</small>')
    expect(page).toContain('6 of 6 labelled images right')
    expect(page).toContain('3 of 3')
    expect(page).not.toContain('<td class="number">100.0\u00a0%</td>')
  })

  test('each row is of the images that judged it, each counted once whatever the draws', () => {
    const [first, ...others] = perfect.results
    const results = [
      { ...first, accuracies: [0.9, 0.8], images: 40 },
      ...others.map((result) => ({ ...result, accuracies: [0.5, 0.75], images: 32 })),
    ]
    const run: RunReport = { ...perfect, evaluation: { kind: 'leave one out', images: 40 }, results }
    const { lines } = summarise(run)
    expect(lines[0]).toContain('checked on 40 labelled images, each predicted from the others')
    // R: prop.test(34, 40, correct = FALSE)$conf.int
    expect(lines[1]).toMatch(/34 of 40 {3}95 % interval 70.9 % to 92.9 %/)
    expect(lines[2]).toMatch(/20 of 32/)
    const page = renderReport(run)
    expect(page).toContain('34 of 40 labelled images right, each predicted from the others')
    expect(page).toContain('The same classifier on raw pixels: 20 of 32')
  })

  test('an older report, whose images were summed over the draws, says how many there were', () => {
    const results = perfect.results.map((result) => ({
      ...result,
      accuracies: [0.75, 0.75, 0.75, 0.75, 0.75],
    }))
    const run: RunReport = { ...perfect, evaluation: { kind: 'leave one out', images: 200 }, results }
    expect(summarise(run).lines[1]).toMatch(/30 of 40/)
  })

  test('images that judge without having been picked are enough to judge by, however few labels there are', () => {
    const judgedBy = (kind: RunReport['evaluation']['kind']): RunReport => ({
      ...twoLabels,
      evaluation: { kind, images: 200 },
      results: twoLabels.results.map((result) => ({ ...result, images: 200 })),
    })
    expect(summarise(judgedBy('unseen labels')).lines[0]).toContain(
      'checked on 200 labelled images, none of which it was fitted to',
    )
    expect(summarise(judgedBy('blind labels')).lines[0]).toContain(
      'checked on 200 images, drawn at random and labelled blind, each predicted without its label',
    )
    for (const kind of ['unseen labels', 'blind labels'] as const) {
      expect(summarise(judgedBy(kind)).data.judged).toBe(true)
      expect(renderReport(judgedBy(kind))).not.toContain('Too few labels')
    }
  })

  test('a baseline that does better is named as such', () => {
    const results = example.results.map((result) => ({
      ...result,
      accuracies: result.baseline ? [0.95, 0.96, 0.95, 0.95, 0.96] : result.accuracies,
    }))
    const run = { ...example, results }
    expect(renderReport(run)).toMatch(/points more.*The learned features are no gain here/s)
    expect(suggestNext(run, 'runs/x')[0].why).toMatch(/do not pay yet/)
  })
})

describe('what to do next', () => {
  const commandWith = (config: RunReport['config']): string =>
    suggestNext({ ...example, config: { ...example.config, seed: 0, ...config } }, 'runs/x')[0].command

  test('is the same for longer, without what would be taken anyway', () => {
    const usual = { model: 'contrastive', preset: 'fast', augment: 'covered', set: {}, fit: 'cover' } as const
    expect(commandWith({ ...usual, patches: 256, draws: 5, threads: 8 })).toBe(
      'handful fit --dataset strokes --minutes 12',
    )
  })

  test('keeps model, settings, distortions and head, as a shell reads them back', () => {
    expect(
      commandWith({
        folder: 'photos',
        dataset: undefined,
        size: 48,
        model: 'diffusion',
        augment: 'photos',
        head: 'mlp',
        set: { width: 16, multipliers: [1, 2], network: 'residual' },
        labelsPerClass: undefined,
      }),
    ).toBe(
      'handful fit <your folder> --size 48 --model diffusion --augment photos --head mlp --set width=16 ' +
        "--set 'multipliers=[1,2]' --set network=residual --minutes 12",
    )
  })

  test('keeps every option that is not the default', () => {
    expect(commandWith({ patches: 0, seed: 7, labelsPerClass: 10, draws: 3, dataDir: 'my data' })).toBe(
      "handful fit --dataset strokes --data-dir 'my data' --seed 7 --patches 0 --labels-per-class 10 --draws 3 --minutes 12",
    )
  })
})

describe('report.json', () => {
  async function inFolder(work: (folder: string) => Promise<void>): Promise<void> {
    const folder = await mkdtemp(path.join(tmpdir(), 'handful-report-'))
    try {
      await writeFile(path.join(folder, 'config.yaml'), 'seed: 7\n')
      await work(folder)
    } finally {
      await rm(folder, { recursive: true })
    }
  }

  test('gives the page again', () =>
    inFolder(async (folder) => {
      await writeFile(path.join(folder, 'report.json'), JSON.stringify(example))
      const page = await writeReportPage(folder, await loadReport(folder))
      expect(await readFile(page, 'utf8')).toBe(renderReport(example))
    }))

  test.each([
    ['missing', undefined, /no report.json yet.*handful fit --resume/],
    ['cut off', '{"version":1,', /report \(.*report.json\): got .*JSON/],
    ['of another version', JSON.stringify({ ...example, version: 2 }), /at version/],
    [
      'with a picture from the network',
      JSON.stringify({ ...example, samples: ['https://example.org/a.png'] }),
      /at samples.0/,
    ],
    [
      'with an accuracy of 912 %',
      JSON.stringify({ ...example, published: [{ what: 'a', accuracy: 9.12, source: 'b' }] }),
      /at published.0.accuracy/,
    ],
  ])('%s is refused in one line', (_, text, message) =>
    inFolder(async (folder) => {
      if (text !== undefined) await writeFile(path.join(folder, 'report.json'), text)
      const error: unknown = await loadReport(folder).catch((thrown: unknown) => thrown)
      expect(error).toMatchObject({ name: 'HandfulError', message: expect.stringMatching(message) as string })
    }),
  )
})
