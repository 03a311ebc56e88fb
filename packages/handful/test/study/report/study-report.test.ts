/** The report says what the study measured, no more than that, and holds together whatever a study has or lacks. */
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { DOMParser } from 'linkedom'
import sharp from 'sharp'
import { afterAll, describe, expect, test } from 'vitest'
import { parseCsv } from '../../../src/files/csv.js'
import { renderStudyMarkdown } from '../../../src/study/report/markdown.js'
import { renderStudyPage } from '../../../src/study/report/study-page.js'
import { type FullStudy as Study, studySchema, studySections } from '../../../src/study/all-sections.js'
import type { LabelCount } from '../../../src/study/result.js'
import { holdsStudy, loadStudy, writeStudyReport } from '../../../src/study/report/write.js'
import { exampleStudy, exampleStudyInput, type ExampleStudyOptions } from './example-study.js'

const folder = await mkdtemp(path.join(tmpdir(), 'handful-study-'))
afterAll(() => rm(folder, { recursive: true, force: true }))

const study = await exampleStudy({ labelCounts: [1, 2, 4, 8, 64, 'all'], draws: 5, networkDraws: 3 })
await writeFile(path.join(folder, 'study.json'), JSON.stringify(study))
const written = await writeStudyReport(study, folder)
const page = await readFile(path.join(folder, 'report.html'), 'utf8')
const markdown = await readFile(path.join(folder, 'report.md'), 'utf8')
const figureFiles = await readdir(path.join(folder, 'figures'))

const pageOf = async (one: Study): Promise<string> =>
  renderStudyPage(one, await studySections(one), 'figures')
const mean = (values: readonly number[]): number =>
  values.reduce((sum, value) => sum + value, 0) / values.length

/** `94.3 ± 0.6` by hand, for 5 draws: Student's t with 4 degrees of freedom is 2.7764. */
function byHand(values: readonly number[]): string {
  const spread = Math.sqrt(values.reduce((sum, value) => sum + (value - mean(values)) ** 2, 0) / 4)
  return `${(100 * mean(values)).toFixed(1)} ± ${((100 * 2.7764 * spread) / Math.sqrt(5)).toFixed(1)}`
}

const cellsAt = (count: LabelCount, kept: (cell: Study['cells'][number]) => boolean = () => true) =>
  study.cells.filter((cell) => cell.labelsPerClass === count && kept(cell))

async function csv(name: string): Promise<Record<string, string>[]> {
  const [header, ...rows] = parseCsv(
    await readFile(path.join(folder, 'figures', `${name}.csv`), 'utf8'),
    name,
  )
  return rows.map(({ fields }) => Object.fromEntries(header.fields.map((column, i) => [column, fields[i]])))
}

describe('the main table', () => {
  test('has the mean and interval of the head that was fixed for headlines, whichever is best, in page and Markdown', () => {
    for (const count of [2, 4, 8] as const) {
      const [fixed] = cellsAt(count, ({ method, head }) => method === 'vqvae' && head === 'propagation')
      const numbers = byHand(fixed.accuracies)
      expect(page).toContain(numbers)
      const row = markdown.split('\n').find((line) => line.startsWith('| VQ-VAE |'))
      expect(row).toContain(numbers)
      expect(markdown).toContain('with label propagation, which was fixed beforehand')
    }
  })

  test('has columns for the published label counts alone', () => {
    expect(markdown).toContain('| Method | 2 labels per class | 4 labels per class | 8 labels per class |')
  })

  test('marks the best of each label count, and only that', () => {
    const lines = markdown.slice(markdown.indexOf('### Method by method')).split('\n')
    const table = lines.slice(0, lines.findIndex((line) => line.startsWith('###'), 1) || undefined)
    const end = table.findIndex((line, i) => i > 2 && !line.startsWith('|') && line !== '')
    const rows = table.slice(0, end).filter((line) => line.startsWith('| ') && !line.startsWith('| Method'))
    for (const [i, count] of ([2, 4, 8] as const).entries()) {
      const best = cellsAt(count, ({ head }) => ['propagation', 'network'].includes(head)).reduce((a, b) =>
        mean(b.accuracies) > mean(a.accuracies) ? b : a,
      )
      const title = study.methods.find(({ id }) => id === best.method)?.title
      const marked = rows.filter((line) => line.split(' | ')[i + 1].includes('★'))
      expect(marked.map((line) => line.split(' | ')[0].replace(/^\| /, '').replaceAll('\\', ''))).toEqual([
        title,
      ])
    }
  })

  test('stands once more with the head of the reference study alone', () => {
    const reference = markdown.slice(markdown.indexOf("### With the reference study's head alone"))
    for (const count of [2, 4, 8] as const) {
      const [cell] = cellsAt(count, ({ method, head }) => method === 'diffusion' && head === 'mlp')
      expect(reference).toContain(byHand(cell.accuracies))
    }
  })

  test('shows both published figures where table and curve contradict each other', () => {
    expect(markdown).toMatch(/\| diffusion \| \d\d\.\d ± \d\.\d<br>/)
    expect(markdown).toContain('published 61.1, in its table 32')
    expect(markdown).toContain('<sub>published 90.7</sub>')
    expect(page).toContain('diffusion at 8 labels per class 36 in the table, 87.6 in the curve')
  })

  test('takes the label counts of each data set, and all there are for others', async () => {
    const headers = await Promise.all(
      (['cifar10', 'cifar100', 'folder'] as const).map(async (dataset) => {
        const one = await exampleStudy({
          dataset,
          draws: 2,
          methods: ['pixels', 'vae'],
          classes: dataset === 'folder' ? ['ash', 'elm', 'oak'] : undefined,
          labelCounts: dataset === 'folder' ? [1, 4] : [2, 4, 8, 16, 128],
        })
        return /\| Method \| (.*) \|/.exec(renderStudyMarkdown(one, await studySections(one), 'figures'))?.[1]
      }),
    )
    const columns = (counts: readonly number[]): string =>
      counts.map((count) => `${count} ${count === 1 ? 'label' : 'labels'} per class`).join(' | ')
    expect(headers).toEqual([columns([2, 4, 128]), columns([2, 8, 16]), columns([1, 4])])
  })

  test('keeps a row for published methods that this study has not got', async () => {
    const one = await exampleStudy({ methods: ['pixels'], draws: 2 })
    expect(await pageOf(one)).toContain('GAN (not in this study)')
  })
})

describe('figures', () => {
  test('each has its numbers beside it, and the page links to both', () => {
    const drawings = figureFiles.filter((name) => name.endsWith('.svg'))
    for (const name of [
      'accuracy-headline-head',
      'accuracy-reference-head',
      'crossover',
      'cells',
      'noise-levels',
      'noise-levels-before-after',
      'encoder-decoder',
      'learning-curves',
      'map-vae',
      'map-vae-thumbnails',
    ])
      // prettier-ignore
      expect(drawings).toContain(`${name}.svg`)
    for (const name of drawings) {
      expect(figureFiles).toContain(name.replace('.svg', '.csv'))
      expect(page).toContain(`href="figures/${name}"`)
      expect(markdown).toContain(`(figures/${name})`)
    }
    expect(written.length).toBe(figureFiles.length + 2)
  })

  test('are XML that a strict reader takes, in light and dark, with nothing from outside', async () => {
    for (const name of figureFiles.filter((file) => file.endsWith('.svg'))) {
      const svg = await readFile(path.join(folder, 'figures', name), 'utf8')
      expect((await sharp(Buffer.from(svg)).metadata()).format, name).toBe('svg')
      expect(svg, name).toMatch(/prefers-color-scheme:\s*dark/)
      expect(svg, name).not.toMatch(/NaN|Infinity|undefined/)
      expect(svg.replaceAll('http://www.w3.org/2000/svg', ''), name).not.toMatch(/https?:|@import|url\(/)
    }
  })

  test('have the numbers of the study in their CSV', async () => {
    const rows = await csv('cells')
    expect(rows.length).toBe(study.cells.length)
    for (const { method, head, labelsPerClass, accuracies } of study.cells) {
      const row = rows.find(
        (one) =>
          one.method === method && one.head === head && one.labels_per_class === String(labelsPerClass),
      )
      expect(Number(row?.accuracy)).toBeCloseTo(mean(accuracies), 9)
      expect(Number(row?.draws)).toBe(accuracies.length)
    }
    const best = (await csv('accuracy-headline-head')).filter(
      ({ source, method }) => source === 'measured' && method === 'vae',
    )
    for (const { labels_per_class: count, accuracy } of best) {
      const cells = study.cells.filter(
        (cell) => cell.method === 'vae' && String(cell.labelsPerClass) === count,
      )
      expect(Number(accuracy)).toBeCloseTo(Math.max(...cells.map(({ accuracies }) => mean(accuracies))), 9)
    }
    const reference = await csv('accuracy-reference-head')
    expect(new Set(reference.filter(({ source }) => source === 'measured').map(({ head }) => head))).toEqual(
      new Set(['mlp', 'network']),
    )
    const sweep = await csv('noise-levels')
    expect(
      sweep.filter(({ chosen_by: by }) => by !== '').map(({ noise_level: t, chosen_by: by }) => [t, by]),
    ).toEqual([
      ['100', 'label-free'],
      ['200', 'cross-validation'],
    ])
    expect((await csv('map-vae')).length).toBe(study.maps.find(({ method }) => method === 'vae')?.x.length)
  })

  test('show the published curves as far as the study reaches', async () => {
    const published = (await csv('accuracy-headline-head')).filter(({ source }) => source === 'published')
    const gan = published.filter(({ method }) => method === 'gan')
    expect(gan.map((row) => [row.labels_per_class, row.accuracy])).toEqual([
      ['2', '0.8181'],
      ['4', '0.8783'],
      ['8', '0.9068'],
      ['16', '0.9574'],
      ['32', '0.9631'],
      ['64', '0.9725'],
    ])
  })
})

describe('what a reader sees of a figure', () => {
  const drawn = async (name: string) => {
    const svg = await readFile(path.join(folder, 'figures', `${name}.svg`), 'utf8')
    const document = new DOMParser().parseFromString(svg, 'image/svg+xml')
    const all = (selector: string) => [...document.querySelectorAll(selector)]
    const place = (text: string): [number, number] => {
      const found = all('text').find((one) => one.textContent === text)
      const [x, y] =
        /translate\(([-\d.]+),([-\d.]+)\)/.exec(found?.getAttribute('transform') ?? '')?.slice(1) ?? []
      return [Number(x), Number(y)]
    }
    return { texts: all('text').map((one) => one.textContent), all, place }
  }

  test('lines: every count in its order, all at the end, every method named and marked at each of its counts', async () => {
    const { texts, all, place } = await drawn('accuracy-headline-head')
    const places = ['1', '2', '4', '8', '64', 'all'].map((count) => place(count)[0])
    expect(places).toEqual([...places].sort((a, b) => a - b))
    // By the logarithm: as far from 1 to 2 as from 4 to 8.
    expect(places[1] - places[0]).toBeCloseTo(places[3] - places[2], 0)
    for (const text of ['0', '100', 'labels per class', 'accuracy on the test images, %', 'guessing', '//'])
      expect(texts).toContain(text)
    for (const { title } of study.methods) expect(texts.filter((text) => text === title)).toHaveLength(1)
    expect(texts).toContain('GAN, published')
    // Five counts, since the head of headlines was not fitted to all labels, and the sample beside the name.
    expect(all('.f-hue-1.f-rim path')).toHaveLength(6)
  })

  test('cells: a number and half its interval in each, a star at the best of each count, signs for gaps', async () => {
    const { texts, all } = await drawn('cells')
    expect(all('.f-heat rect')).toHaveLength(study.cells.length)
    expect(texts.filter((text) => text.startsWith('± '))).toHaveLength(study.cells.length)
    expect(texts.filter((text) => text.startsWith('★'))).toHaveLength(study.labelCounts.length)
    expect(texts).toContain('×')
  })

  test('crossover: the words of each method, powers of two along the axis', async () => {
    const { texts, place } = await drawn('crossover')
    expect(texts).toContain('ahead of ResNet-18, 3x3 stem at 1 to 8; ResNet-18 at 64')
    const rows = (await csv('crossover')).filter(({ heads }) => heads === 'headline')
    for (const { method } of rows)
      expect(texts).toContain(study.methods.find(({ id }) => id === method)?.title)
    const ticks = ['1', '4', '16', '64'].map((tick) => place(tick)[0])
    expect(ticks).toEqual([...ticks].sort((a, b) => a - b))
    expect(ticks.every(Number.isFinite)).toBe(true)
  })

  test('noise levels: each level with its picture, layers at the lines, what was chosen and a ring at it', async () => {
    const { texts, all, place } = await drawn('noise-levels')
    for (const text of [
      'cross-validation: t = 200, up.1',
      'without labels: t = 100, up.1',
      'fixed badly: t = 1',
    ])
      expect(texts).toContain(text)
    expect(all('image')).toHaveLength(9)
    const places = ['1', '10', '50'].map((level) => place(level)[0])
    expect(new Set(places.slice(1).map((x, i) => Math.round(x - places[i])))).toHaveProperty('size', 1)
    expect(all('circle[r="8.5"]')).toHaveLength(2)
    for (const layer of ['down.2', 'middle', 'up.1', 'up.2']) expect(texts).toContain(layer)
  })

  test('losses and parts: a plot for each model with a legend', async () => {
    const losses = await drawn('learning-curves')
    for (const title of ['diffusion', 'VAE', 'VQ-VAE', 'GAN']) expect(losses.texts).toContain(title)
    expect(losses.texts).toContain('steps (loss on a logarithmic scale)')
    expect(losses.texts).toEqual(expect.arrayContaining(['20', '50', '100', '200', '4,000']))
    const parts = await drawn('encoder-decoder')
    for (const text of ['encoder', 'decoder', 'stacked', 'VAE, small network'])
      expect(parts.texts).toContain(text)
  })
})

describe('the page', () => {
  test('needs nothing from outside', () => {
    const sources = [...page.matchAll(/(?:src|href)="([^"]*)"/g)].map(([, source]) => source)
    expect(
      sources.filter(
        (source) => !/^(data:image\/(png|svg\+xml);base64,|#[\w-]+$|figures\/[\w%.-]+$)/.test(source),
      ),
    ).toEqual([])
    expect(page.replaceAll('http://www.w3.org/2000/svg', '')).not.toMatch(/<script|@import|url\(|https?:/)
    for (const [, file] of page.matchAll(/href="figures\/([^"]*)"/g))
      expect(figureFiles).toContain(decodeURIComponent(file))
    for (const [, file] of markdown.matchAll(/\(figures\/([^)]*)\)/g))
      expect(figureFiles).toContain(decodeURIComponent(file))
  })

  test('says what a reader has to know to judge the numbers', () => {
    for (const words of [
      /Inductive: the 10,000 test images/,
      /Nothing was tuned on test labels/,
      /fixed before anything was measured/,
      /5 for heads on features, 3 for supervised networks/,
      /trained once/,
      /Raw pixels stand in every table/,
      /Example CPU/,
      /onnxruntime/,
      /handful study mnist --seed 7/,
      /These numbers are made up/,
      /1\.30\.0/,
    ])
      // prettier-ignore
      expect(page).toMatch(words)
  })

  test('says why cells are missing', () => {
    expect(page).toMatch(/ResNet-18, 3x3 stem at 128 labels per class.*not in the budget.*40 min were left/s)
    expect(page).toMatch(/label propagation at all labels.*failed.*got no unlabelled image/s)
    expect(page).toContain('Not complete')
    expect(page).toContain('run the same command again')
  })

  test('is the same every time', async () => {
    expect(await pageOf(studySchema.parse(JSON.parse(JSON.stringify(study))))).toBe(page)
  })

  test('a transductive study says so', async () => {
    expect(await pageOf({ ...study, setting: 'transductive' })).toMatch(
      /Transductive: .* do not compare with inductive ones/,
    )
  })
})

describe('partial studies', () => {
  const partial = async (
    change: (input: Study) => Study,
    options: ExampleStudyOptions = {},
  ): Promise<string> => {
    const few: ExampleStudyOptions = {
      labelCounts: [1, 4],
      draws: 2,
      networkDraws: 2,
      methods: ['vae', 'diffusion', 'pixels', 'resnet18'],
    }
    const one = studySchema.parse(change(await exampleStudy({ ...few, ...options })))
    const sections = await studySections(one)
    const text = renderStudyPage(one, sections, 'figures')
    expect(renderStudyMarkdown(one, sections, 'figures')).not.toMatch(/NaN|Infinity|undefined|\[object/)
    expect(text.replace(/data:[^"]*/g, '')).not.toMatch(/NaN|Infinity|undefined|\[object/)
    return text
  }
  const bare = (one: Study): Study => ({
    ...one,
    sweep: undefined,
    parts: [],
    maps: [],
    generation: [],
    stages: [],
    missing: [],
    notes: [],
  })

  test('nothing measured yet', async () => {
    const text = await partial((one) => ({ ...bare(one), cells: [] }))
    expect(text).toContain('Nothing has been measured yet')
  })

  test('one method, one head, one draw, one label count, three classes', async () => {
    const text = await partial(bare, {
      dataset: 'folder',
      classes: ['ash', 'elm', 'oak'],
      methods: ['pixels'],
      heads: ['linear'],
      draws: 1,
      labelCounts: [4],
    })
    expect(text).toContain('says nothing of the choice of labels')
    expect(text).toContain('No supervised network was trained')
    expect(text).not.toContain('id="crossover"')
    expect(text.slice(text.indexOf('<main>'))).not.toMatch(/published/i)
    expect(text).not.toContain('figure-accuracy-reference-head')
  })

  test('one draw of everything: crossings without an interval', async () => {
    const text = await partial((one) => one, { draws: 1, networkDraws: 1 })
    expect(text).toContain('one draw: unknown')
  })

  test('all labels only, no raw pixels', async () => {
    const text = await partial((one) => one, { labelCounts: ['all'], methods: ['vae', 'resnet18'] })
    expect(text).toContain('Raw pixels are missing')
  })

  test('a sweep without a test set, and one without points', async () => {
    const untested = await partial((one) => ({
      ...one,
      sweep: one.sweep && {
        ...one.sweep,
        beforeAfter: [],
        points: one.sweep.points.map((point) => ({ ...point, accuracies: [] })),
      },
    }))
    expect(untested).toContain('takes t = 200 in layer up.1.')
    await partial((one) => ({
      ...one,
      sweep: one.sweep && { ...one.sweep, points: [], chosen: [], beforeAfter: [] },
    }))
  })

  test('sweeps of two models stand one after the other, each with figures of its own', async () => {
    const alone = await partial((one) => one)
    const both = await partial((one) => ({
      ...one,
      furtherSweeps: one.sweep && [{ ...one.sweep, method: 'flow' }],
    }))
    const figures = (text: string): string[] =>
      [...text.matchAll(/id="figure-(noise-levels[\w-]*)"/g)].map(([, name]) => name)
    expect(figures(alone)).toEqual(['noise-levels', 'noise-levels-before-after'])
    expect(figures(both)).toEqual([...figures(alone), 'noise-levels-flow', 'noise-levels-before-after-flow'])
    expect(both).toContain('accuracy over the noise level of flow')
    expect(alone).not.toMatch(/<h\d[^>]*>diffusion</)
  })

  test('a hundred classes and one', async () => {
    await partial((one) => one, { dataset: 'cifar100' })
    await partial((one) => one, { dataset: 'folder', classes: ['only'] })
  })

  test('all accuracies the same, and all wrong', async () => {
    for (const share of [0, 1]) {
      await partial((one) => ({
        ...one,
        cells: one.cells.map((cell) => ({ ...cell, accuracies: cell.accuracies.map(() => share) })),
      }))
    }
  })
})

describe('text from outside', () => {
  const nasty = `<img src=x onerror=alert(1)>"'&|\u0007\ud800 ![x](y) \`a\``
  test('is text in page, Markdown and figures, and no name leads out of the folder', async () => {
    const input = await exampleStudyInput({
      dataset: 'folder',
      labelCounts: [1, 4],
      draws: 2,
      methods: ['pixels', 'vae'],
      classes: [nasty, 'b'],
    })
    const rename = (id: string): string => (id === 'vae' ? '../../vae "x"' : id)
    const one = studySchema.parse({
      ...input,
      title: nasty,
      command: nasty,
      notes: [nasty, '1. no list', '## no heading'],
      methods: input.methods.map((method) => ({
        ...method,
        id: rename(method.id),
        title: `${nasty}${method.id}`,
      })),
      cells: input.cells.map((cell) => ({ ...cell, method: rename(cell.method) })),
      maps: input.maps?.map((map) => ({ ...map, method: rename(map.method) })),
      generation: input.generation?.map((one) => ({ ...one, method: rename(one.method) })),
      missing: [{ what: nasty, reason: 'failed', message: nasty }],
      config: { [nasty]: nasty },
    })
    const out = path.join(folder, 'nasty', 'deep')
    const files = await writeStudyReport(one, out)
    expect(files.every((file) => path.resolve(file).startsWith(`${path.resolve(out)}${path.sep}`))).toBe(true)
    expect(await readdir(path.join(folder, 'nasty'))).toEqual(['deep'])
    expect(await readFile(path.join(out, 'report.html'), 'utf8')).not.toContain('<img src=x')
    expect(
      await readFile(path.join(out, 'report.md'), 'utf8').then((text) =>
        text.replace(/```[\s\S]*?\n```|````[\s\S]*?\n````/g, ''),
      ),
    ).not.toMatch(/<img|(?<!\\)!\[x/)
    expect(await readFile(path.join(out, 'report.md'), 'utf8')).toContain('- 1\\. no list\n- \\## no heading')
    for (const file of files.filter((name) => name.endsWith('.svg'))) {
      expect((await sharp(await readFile(file)).metadata()).format, file).toBe('svg')
    }
  })
})

describe('files', () => {
  test("PNG on request; what an earlier report left goes, what is the user's stays", async () => {
    const out = path.join(folder, 'png')
    const small = await exampleStudy({ labelCounts: [1, 4], draws: 2, methods: ['pixels', 'resnet18'] })
    const first = await writeStudyReport({ ...small, maps: [] }, out, { png: true })
    await writeFile(path.join(out, 'figures', 'mine.png'), 'mine')
    const png = first.find((file) => file.endsWith('accuracy-headline-head.png'))
    expect((await sharp(png).metadata()).width).toBeGreaterThan(1500)
    await writeStudyReport({ ...small, maps: [], missing: [] }, out)
    const names = await readdir(path.join(out, 'figures'))
    expect(names.filter((name) => name.endsWith('.png'))).toEqual(['mine.png'])
    expect(names).not.toContain('missing.csv')
  })

  test('an interval of equal draws is never one of no width, in no table and no figure', async () => {
    const input = await exampleStudyInput({ labelCounts: [2, 4], draws: 5, networkDraws: 3 })
    const cells = input.cells.map((cell) => ({ ...cell, accuracies: cell.accuracies.map(() => 0.8125) }))
    const equal = path.join(folder, 'equal')
    const files = await writeStudyReport(studySchema.parse({ ...input, cells }), equal)
    const svg = await readFile(path.join(equal, 'figures', 'cells.svg'), 'utf8')
    const document = new DOMParser().parseFromString(svg, 'image/svg+xml')
    const shown = [...document.querySelectorAll('text')].map(({ textContent }) => textContent)
    expect(shown.filter((text) => text === '± < 0.01')).toHaveLength(cells.length)
    expect(shown.filter((text) => text === '★81.25')).toHaveLength(cells.length)
    for (const file of files.filter((name) => !name.endsWith('.csv')))
      expect(await readFile(file, 'utf8'), file).not.toMatch(/± 0\.0+(?!\d)/)
  })

  test('a study is read back as it was; a damaged one is one line', async () => {
    expect(await holdsStudy(folder)).toBe(true)
    expect(await loadStudy(folder)).toEqual(study)
    const out = path.join(folder, 'nasty')
    expect(await holdsStudy(out)).toBe(false)
    await expect(loadStudy(out)).rejects.toThrow(/^study \(.*\): got no study.json yet/)
    await writeFile(path.join(out, 'study.json'), '{"version":1}')
    await expect(loadStudy(out)).rejects.toThrow(/study \(.*study.json\): got .* at title/)
    await writeFile(path.join(out, 'study.json'), '{"versi')
    await expect(loadStudy(out)).rejects.toThrow(/study \(.*study.json\): got .*JSON/)
  })
})
