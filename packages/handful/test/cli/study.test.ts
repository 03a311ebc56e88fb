/** `handful study` around its job: options from flags and files, what it prints, being stopped. */
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { parse } from 'yaml'
import { study } from '../../src/jobs/study/command.js'
import { SECTIONS } from '../../src/names.js'
import { handful, Signals } from './harness.js'
import { writeGreyFolders } from './image-folders.js'

let folder: string

beforeEach(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'handful-study-cli-'))
})

afterEach(() => rm(folder, { recursive: true }))

const out = (): string => path.join(folder, 'study')

/** Options that make a study of seconds. */
const TINY = [
  ...['--count', '200', '--test-count', '100', '--threads', '1', '--draws', '2', '--methods', 'pixels'],
  ...['--heads', 'prototypes', '--labels', '1,2', '--without', SECTIONS.join()],
  ...['--set', 'components=16'],
]

describe('options', () => {
  test('come from flags over a file over defaults', async () => {
    const file = path.join(folder, 'study.yaml')
    await writeFile(file, 'dataset: mnist\ndraws: 7\nseed: 3\nmodels:\n  vae: {minutes: 2}\n')
    const flags = [
      '--seed',
      '5',
      '--labels',
      '1,all',
      '--set',
      'models.vae.set.latent=32',
      '--run',
      'gan=runs/g',
    ]
    const more = [
      '--set',
      'models.vqvae.set.codebook.decay=0.9',
      '--without',
      'maps',
      '--set',
      'supervised.draws=2',
    ]
    const { exit, stdout } = await handful(['study', '--config', file, ...flags, ...more, '--print-config'])
    expect(exit).toBe(0)
    const printed = parse(stdout) as Record<string, unknown>
    expect(printed).toMatchObject({
      ...{ dataset: 'mnist', draws: 7, seed: 5, threads: 1, labels: [1, 'all'] },
      models: {
        vae: { minutes: 2, set: { latent: 32 } },
        vqvae: { set: { 'codebook.decay': 0.9 } },
        gan: { run: 'runs/g' },
      },
      sections: { maps: false, sweep: true },
      supervised: { draws: 2, epochs: 40 },
    })
    // What it prints is a file that gives the same again.
    await writeFile(file, stdout)
    expect((await handful(['study', '--config', file, '--print-config'])).stdout).toBe(stdout)
  })

  test.each([
    ['study', /got neither a data set nor a folder/],
    ['study mnits', /images: got "mnits".*did you mean mnist\?/],
    ['study mnist --methods vea', /got "vea".*did you mean vae\?/],
    ['study mnist --heads linera', /got "linera".*did you mean linear\?/],
    ['study mnist --labels 1,x', /--labels: got "x", expected whole numbers/],
    ['study mnist --budget soon', /option budget .*got "soon"/],
    ['study mnist --without map', /--without: got "map".*did you mean --without maps\?/],
    ['study mnist --set supervised.drwas=2', /did you mean draws\?/],
    ['study mnist --config nowhere.yaml', /--config .*got nothing there/],
    ['study mnist --drws 3', /did you mean --draws\?/],
  ])('handful %s is one line and exit 2', async (line, message) => {
    const { exit, stdout, stderr } = await handful(line.split(' '))
    expect({ exit, stdout }).toEqual({ exit: 2, stdout: '' })
    expect(stderr).toMatch(message)
    expect(stderr.trimEnd().split('\n')).toHaveLength(1)
  })

  test('a folder that is not there is told as every command tells it', async () => {
    for (const [args, words] of [
      [['study', '--resume', 'nowhere'], 'study folder (nowhere): got no study.yaml in it'],
      [['fit', '--resume', 'nowhere'], 'run folder (nowhere): got no config.yaml in it'],
      [['predict', 'nowhere', 'a.png'], 'run folder (nowhere): got no config.yaml in it'],
      [['fit', 'nowhere'], 'image folder (nowhere): got nothing there'],
    ] as const) {
      const { exit, stdout, stderr } = await handful([...args])
      expect({ exit, stdout }).toEqual({ exit: 1, stdout: '' })
      expect(stderr).toContain(words)
    }
  })

  test('help has examples first', async () => {
    const { exit, stdout } = await handful(['study', '--help'])
    expect(exit).toBe(0)
    expect(stdout.indexOf('Examples:')).toBeLessThan(stdout.indexOf('Usage:'))
    expect(stdout.split('\n').filter((line) => line.length > 100)).toEqual([])
  })
})

describe('a study', () => {
  test('of strokes prints the best of each label count, and writes its report', async () => {
    const { exit, stdout, stderr } = await handful(['study', 'strokes', ...TINY, '--out', out()])
    expect({ exit, stderr }).toMatchObject({ exit: 0 })
    expect(stdout).toMatch(/^Strokes: .*\n +1 label per class: \d+\.\d % pixels, prototypes\n +2 labels per/)
    expect(stderr).toMatch(/Report: .*report\.html/)
    expect(await readFile(path.join(out(), 'report.html'), 'utf8')).toMatch(/^<!doctype html>/i)
    const saved = JSON.parse(await readFile(path.join(out(), 'study.json'), 'utf8')) as Record<
      string,
      unknown
    >
    expect(saved).toMatchObject({
      command: `handful study strokes ${TINY.join(' ')} --out ${out()}`,
      complete: true,
      environment: { handful: '0.1.0', threads: 1, seed: 0 },
    })
    const again = await handful(['study', '--resume', out(), '--json'])
    const resumed = JSON.parse(await readFile(path.join(out(), 'study.json'), 'utf8')) as Record<
      string,
      unknown
    >
    expect(resumed.command).toBe(saved.command)
    const data = JSON.parse(again.stdout) as { cells: { mean: number }[]; missing: unknown[] }
    expect([data.cells.length, data.missing]).toEqual([2, []])
    const outline = await handful([
      'study',
      'strokes',
      ...TINY,
      '--out',
      out(),
      '--labels',
      '1,2,4',
      '--dry-run',
    ])
    expect(outline.stdout).toMatch(/^done .*features: pixels\n/)
    expect(outline.stdout).toMatch(
      /to do .*pixels, prototypes, 4 labels per class\n3 of 4 stages done, about/,
    )
  })

  test('of a folder is gone on with from another folder, and never with other images', async () => {
    const [mine, other] = ['mine', 'other'].map((name) => path.join(folder, name, 'photos'))
    const classes: [string, number][] = ['train/dark', 'train/light', 'test/dark', 'test/light'].map(
      (name, i) => [name, 40 + 160 * (i % 2)],
    )
    await writeGreyFolders(mine, classes)
    await writeGreyFolders(other, [...classes, ['train/grey', 120]])
    const small = [
      '--threads',
      '1',
      '--draws',
      '1',
      '--methods',
      'pixels',
      '--heads',
      'prototypes',
      '--labels',
      '1',
    ]
    const here = process.cwd()
    try {
      process.chdir(path.dirname(mine))
      const first = await handful([
        'study',
        'photos',
        '--out',
        out(),
        '--size',
        '12',
        ...small,
        '--without',
        SECTIONS.join(),
      ])
      expect(first.exit, first.stderr).toBe(0)
      // Here too there is a folder of that name.
      process.chdir(path.dirname(other))
      const again = await handful(['study', '--resume', out()])
      expect(again.exit, again.stderr).toBe(0)
      expect(again.stdout).toBe(first.stdout)
      const wrong = await handful(['study', '--resume', out(), 'photos'])
      expect([wrong.exit, wrong.stderr]).toEqual([2, expect.stringContaining('got a study of ')])
    } finally {
      process.chdir(here)
    }
  })

  test('that fails before its images are read leaves nothing and names no folder', async () => {
    const failed = await handful(['study', path.join(folder, 'nothing'), '--out', out()])
    expect(failed.exit).toBe(1)
    expect(failed.stderr.trim().split('\n')).toHaveLength(1)
    await expect(readFile(path.join(out(), 'study.yaml'))).rejects.toThrow('ENOENT')
  })

  test('that is stopped exits with 130, and says how to go on', async () => {
    const signals = new Signals()
    const run: typeof study.run = (options, context, session) => {
      const onStage = ({ name }: { name: string }) =>
        void (name.includes('2 labels') && signals.emit('SIGINT'))
      return study.run(options, { ...context, ...{ onStage } }, session)
    }
    const setup = { signals, commands: [{ ...study, run }] }
    const { exit, stderr } = await handful(['study', 'strokes', ...TINY, '--out', out()], setup)
    expect(exit).toBe(130)
    expect(stderr).toContain(`handful study --resume ${out()}`)
    expect(stderr).toMatch(/Report so far: .*report\.html/)
    expect((await handful(['study', '--resume', out()])).exit).toBe(0)
  })
})
