/** `handful fit` around its job: the run folder, results, resuming, and being interrupted. */
import { mkdir, mkdtemp, readFile, readdir, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { parse } from 'yaml'
import { HandfulError } from '../../src/errors.js'
import type { FitOptions } from '../../src/jobs/fit/fit-options.js'
import { type FitJob, handful, report, Signals } from './harness.js'

let parent: string
let out: string
let photos: string

beforeEach(async () => {
  parent = await mkdtemp(path.join(tmpdir(), 'handful-fit-'))
  out = path.join(parent, 'run')
  photos = path.join(parent, 'photos')
  await mkdir(photos)
  await writeFile(path.join(photos, 'a.png'), 'read by no job of these tests')
})

afterEach(() => rm(parent, { recursive: true }))

/** A job that notes its options and ends well. */
function noting(seen: FitOptions[]): FitJob {
  return async (options, { run }) => {
    seen.push(options)
    await run.store.write({ kind: 'train', name: 'train', key: 'key' }, null, 1)
    return report
  }
}

/** A job that saves a checkpoint when it is told to stop. */
const untilStopped: FitJob = async (_, { run, signal, progress }) => {
  progress.report({ stage: 'train', done: 3, total: 10, unit: 'steps' })
  await new Promise((resolve) => signal.addEventListener('abort', resolve))
  await run.writeFile('checkpoints/step-3.json', '{}')
  throw signal.reason
}

/** The same job, and when it has begun: before that there is nothing to save. */
function watched(job: FitJob): { readonly fit: FitJob; readonly begun: Promise<void> } {
  let begin = (): void => {}
  const begun = new Promise<void>((resolve) => (begin = resolve))
  const fit: FitJob = (...given) => {
    const done = job(...given)
    begin()
    return done
  }
  return { fit, begun }
}

describe('a run', () => {
  test('gets resolved options, and writes them down', async () => {
    const seen: FitOptions[] = []
    const { exit } = await handful(['fit', '--dataset', 'mnist', '--seed', '7', '--out', out], {
      fit: noting(seen),
    })
    expect(exit).toBe(0)
    expect(seen[0]).toMatchObject({
      dataset: 'mnist',
      seed: 7,
      labelsPerClass: 4,
      minutes: 3,
      threads: 1,
      draws: 5,
    })
    const written: unknown = parse(await readFile(path.join(out, 'config.yaml'), 'utf8'))
    expect(written).toEqual(JSON.parse(JSON.stringify(seen[0])))
    const environment = JSON.parse(await readFile(path.join(out, 'env.json'), 'utf8')) as Record<
      string,
      unknown
    >
    expect(environment).toMatchObject({
      command: `handful fit --dataset mnist --seed 7 --out ${out}`,
      handful: '0.1.0',
      node: process.versions.node,
      threads: 1,
      device: 'cpu',
      seed: 7,
    })
    expect(environment.onnxruntime).toMatch(/^\d+\.\d+/)
  })

  test('of a folder uses all labels, and HANDFUL_DATA for known sets', async () => {
    const seen: FitOptions[] = []
    await handful(['fit', photos, '--out', out], {
      fit: noting(seen),
      environment: { HANDFUL_DATA: '/data' },
    })
    expect(seen[0]).toMatchObject({ folder: photos, dataDir: '/data', labelsPerClass: undefined })
  })

  test('prints accuracies on stdout and where things are on stderr', async () => {
    const { stdout, stderr } = await handful(['fit', '--dataset', 'strokes', '--out', out])
    expect(stdout).toMatch(
      /^strokes: 4 labels per class, checked on 3,000 test images\n \* learned features, label prop/,
    )
    expect(stdout.trimEnd().split('\n')).toHaveLength(6)
    expect(stderr).toContain(`Report:       ${path.join(out, 'report.html')}`)
    expect(stderr).toContain(`handful predict ${out} <images>`)
    expect((await readdir(out)).sort()).toEqual([
      '.handful-run',
      'checkpoints',
      'config.yaml',
      'env.json',
      'report.html',
      'report.json',
      'samples',
    ])
  })

  test('with --json prints one object', async () => {
    const { stdout } = await handful(['fit', '--dataset', 'strokes', '--out', out, '--json'])
    const data = JSON.parse(stdout) as {
      run: string
      results: { mean: number; low: number; chosen: boolean }[]
    }
    expect(data.run).toBe(out)
    expect(data.results).toHaveLength(4)
    expect(data.results[0].low).toBeLessThan(data.results[0].mean)
  })

  test('with --print-config makes nothing', async () => {
    const { exit, stdout } = await handful([
      'fit',
      '--dataset',
      'mnist',
      '--steps',
      '10',
      '--out',
      out,
      '--print-config',
    ])
    expect(exit).toBe(0)
    expect(parse(stdout)).toMatchObject({ dataset: 'mnist', steps: 10, fit: 'cover' })
    expect(parse(stdout)).not.toHaveProperty('minutes')
    expect(await readdir(parent)).toEqual(['photos'])
  })

  test('is never overwritten', async () => {
    await handful(['fit', '--dataset', 'strokes', '--out', out])
    const { exit, stderr } = await handful(['fit', '--dataset', 'mnist', '--out', out])
    expect(exit).toBe(1)
    expect(stderr).toMatch(/got a run that is there already.*--resume/)
    expect(parse(await readFile(path.join(out, 'config.yaml'), 'utf8'))).toMatchObject({ dataset: 'strokes' })
  })
})

describe('a run that fails', () => {
  test('before it did anything leaves no folder', async () => {
    const fit: FitJob = () =>
      Promise.reject(
        new HandfulError({
          what: 'image folder',
          where: 'photos',
          got: 'nothing there',
          hint: 'check the path',
        }),
      )
    const { exit, stderr } = await handful(['fit', photos, '--out', out, '--quiet'], { fit })
    expect(exit).toBe(1)
    expect(stderr).toBe('error: image folder (photos): got nothing there; check the path\n')
    expect(await readdir(parent)).toEqual(['photos'])
  })

  test('later keeps what it did and says how to go on', async () => {
    const fit: FitJob = async (_, { run }) => {
      await run.store.write({ kind: 'train', name: 'train', key: 'key' }, null, 1)
      throw new HandfulError({ what: 'writing', where: 'x', got: 'a full disk' })
    }
    const { exit, stderr } = await handful(['fit', photos, '--out', out], { fit })
    expect(exit).toBe(1)
    expect(stderr).toContain(`handful fit --resume ${out}`)
    expect(await readdir(out)).toContain('stages')
    expect(await readdir(out)).not.toContain('.lock')
  })

  test('by a fault of ours shows no stack, unless asked', async () => {
    const fit: FitJob = () => Promise.reject(new TypeError('internal: undefined is\nnot a function'))
    const plain = await handful(['fit', photos, '--out', out, '--quiet'], { fit })
    expect(plain).toMatchObject({ exit: 1, stdout: '' })
    expect(plain.stderr).toBe(
      'error: internal: undefined is not a function\n' +
        'This was not foreseen. HANDFUL_DEBUG=1 before the command shows where it happened.\n',
    )
    const debug = await handful(['fit', photos, '--out', out], { fit, environment: { HANDFUL_DEBUG: '1' } })
    expect(debug.stderr).toMatch(/fit\.test\.ts/)
  })
})

describe('Ctrl-C', () => {
  test.each(['SIGINT', 'SIGTERM'])('%s lets the job save, says how to go on, and exits 130', async (name) => {
    const signals = new Signals()
    const { fit, begun } = watched(untilStopped)
    const running = handful(['fit', photos, '--out', out], { fit, signals })
    await begun
    expect(signals.listenerCount(name)).toBe(1)
    signals.emit(name)
    const { exit, stderr } = await running
    expect(exit).toBe(130)
    expect(stderr).toMatch(/Stopping: a checkpoint is saved first. Ctrl-C again stops at once./)
    expect(stderr).toContain(`Go on with:  handful fit --resume ${out}`)
    expect(stderr).not.toContain('error')
    expect(await readdir(path.join(out, 'checkpoints'))).toEqual(['step-3.json'])
    expect(signals.listenerCount(name)).toBe(0)
    expect(signals.exits).toEqual([])
  })

  test('twice stops at once', async () => {
    const signals = new Signals()
    let release = (): void => {}
    const { fit, begun } = watched(async (_, { signal }) => {
      await new Promise<void>((resolve) => (release = resolve))
      throw signal.reason
    })
    const running = handful(['fit', photos, '--out', out], { fit, signals })
    await begun
    signals.emit('SIGINT')
    expect(signals.exits).toEqual([])
    signals.emit('SIGINT')
    expect(signals.exits).toEqual([130])
    release()
    expect((await running).stderr).toContain('Stopped before there was anything to keep.')
  })

  test('after which the job ends well all the same is no failure', async () => {
    const signals = new Signals()
    const { fit, begun } = watched(async (_, { signal }) => {
      await new Promise((resolve) => signal.addEventListener('abort', resolve))
      return report
    })
    const running = handful(['fit', photos, '--out', out], { fit, signals })
    await begun
    signals.emit('SIGINT')
    expect((await running).exit).toBe(0)
  })
})

describe('resuming', () => {
  beforeEach(async () => {
    const signals = new Signals()
    const { fit, begun } = watched(untilStopped)
    const running = handful(['fit', '--dataset', 'mnist', '--seed', '7', '--out', out], { fit, signals })
    await begun
    signals.emit('SIGINT')
    await running
  })

  test.each([
    ['the run alone', () => ['--resume', out]],
    ['--out and --resume', () => ['--out', out, '--resume']],
    ['the same options again', () => ['--dataset', 'mnist', '--seed', '7', '--out', out, '--resume']],
  ])('with %s brings back the options', async (_, args) => {
    const seen: FitOptions[] = []
    expect((await handful(['fit', ...args()], { fit: noting(seen) })).exit).toBe(0)
    expect(seen[0]).toMatchObject({ dataset: 'mnist', seed: 7, minutes: 3, threads: 1 })
    expect(await readdir(out)).toContain('env-2.json')
  })

  test('with other options is refused, and names them', async () => {
    const { exit, stderr } = await handful(['fit', '--resume', out, '--seed', '8'])
    expect(exit).toBe(2)
    expect(stderr).toMatch(/--seed: got 8, expected 7, as the run in .* has it; leave it out/)
  })

  test('what is not a run is refused', async () => {
    const { exit, stderr } = await handful(['fit', '--resume', parent])
    expect(exit).toBe(1)
    expect(stderr).toMatch(/got no config.yaml in it/)
  })
})
