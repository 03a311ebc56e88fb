/** What planner, workers and scripts are made of, each by itself. */
import { existsSync, readFileSync } from 'node:fs'
import path from 'node:path'
import { describe, expect, test } from 'vitest'
import { failure, temporaryFolder } from '../data/support.js'
import { handful } from '../cli/harness.js'
import { withoutPasswords } from '../../src/errors/shell.js'
import { createFileAtomic } from '../../src/files/atomic.js'
import { acquireLock } from '../../src/files/lock.js'
import { parseAddress } from '../../src/queue/address.js'
import { fits, queueName, roundedBytes, without } from '../../src/queue/needs.js'
import type { PlanEntry } from '../../src/queue/plan-file.js'
import { checkStore, isStoreTrouble, openSharedStore, studyInStore } from '../../src/queue/shared-store.js'
import { slurmScript } from '../../src/queue/slurm.js'
import { timeLeft } from '../../src/queue/status.js'
import { RunFolder } from '../../src/runs/run-folder.js'
import { StageStore } from '../../src/stages/stage-store.js'

const GIB = 2 ** 30

describe('an address', () => {
  test('has user, password, database and TLS as Redis writes them', () => {
    expect(parseAddress('redis://host', {})).toMatchObject({
      host: 'host',
      port: 6379,
      database: 0,
      tls: false,
    })
    expect(parseAddress('rediss://me:a%40b@[::1]:7000/3', {})).toMatchObject({
      ...{ host: '::1', port: 7000, username: 'me', password: 'a@b', database: 3, tls: true },
      shown: 'rediss://[::1]:7000',
    })
    const environment = { HANDFUL_QUEUE_PASSWORD: 'kept' }
    expect(parseAddress('redis://host', environment).password).toBe('kept')
    expect(parseAddress('redis://:own@host', environment).password).toBe('own')
  })

  test.each([
    'http://me:secret@host',
    'redis//me:secret@host',
    'redis://me:secret@',
    'redis://me:secret@host/x',
  ])('%s is refused without its password', async (text) => {
    const error = await failure(() => parseAddress(text, {}))
    expect(error.message).toMatch(/^--queue: got an address that cannot be read, expected redis:/)
    expect(error.message).not.toContain('secret')
  })

  test('loses its password wherever a command line is kept or an error told', async () => {
    expect(withoutPasswords('handful study --queue=rediss://me:se/cret@host:1 --store a')).toBe(
      'handful study --queue=rediss://***@host:1 --store a',
    )
    expect(withoutPasswords('https://host/path of me@example.com')).toBe(
      'https://host/path of me@example.com',
    )
    const { stderr } = await handful(['worker', '--que=redis://me:secret@host'])
    expect(stderr).toContain('error: option')
    expect(stderr).not.toContain('secret')
  })
})

describe('options of other machines', () => {
  test.each([
    [['study', 'strokes', '--queue', 'redis://a'], '--queue: got it alone, expected --store beside it'],
    [['study', 'strokes', '--store', 'a'], '--store: got it alone, expected --queue, --slurm or --status'],
    [['study', 'strokes', '--slurm', 'a.sh'], '--slurm: got it alone, expected --store beside it'],
    [['worker', '--queue', 'redis://a'], '--store: got nothing, expected the folder that all machines share'],
    [['worker', '--store', 'a'], '--queue: got nothing'],
    [
      ['worker', '--store', 'a', '--queue', 'redis://a', '--memory', 'much'],
      '--memory: got "much", expected a size',
    ],
  ])('%s', async (args, expected) => {
    const { exit, stderr } = await handful(args)
    expect(stderr).toContain(expected)
    expect(exit).toBe(2)
  })

  test('that nobody answers at are told, and where there is no plan', async () => {
    const store = temporaryFolder()
    const { exit, stderr } = await handful(['worker', '--queue', 'redis://127.0.0.1:9', '--store', store])
    expect(stderr).toMatch(
      /queue \(redis:\/\/127.0.0.1:9\): got no answer \(ECONNREFUSED\).*start redis-server/,
    )
    expect(exit).toBe(1)
    const status = await handful(['study', 'strokes', '--status', '--store', store])
    expect(status.stderr).toMatch(/study folder \(.*strokes\): got no plan\.json in it/)
  })
})

describe('a machine', () => {
  test('takes what fits beside what it does', () => {
    const offer = { threads: 4, memoryBytes: 8 * GIB, device: 'cpu' }
    const stage = { threads: 2, memoryBytes: 4 * GIB, device: 'cpu' }
    expect(fits(stage, offer)).toBe(true)
    expect(fits(stage, without(offer, [stage]))).toBe(true)
    expect(fits(stage, without(offer, [stage, { ...stage, threads: 1 }]))).toBe(false)
    expect(fits({ ...stage, device: 'webgpu' }, offer)).toBe(false)
    expect(fits(stage, { ...offer, device: 'webgpu' })).toBe(true)
    expect([1, GIB / 2 + 1, 3 * GIB].map(roundedBytes)).toEqual([GIB / 2, GIB, 4 * GIB])
    expect(queueName(stage)).toBe('cpu-2t-4096m')
  })

  test('tells time left from the pace so far and from what goes on at once', () => {
    const done = [{ seconds: 20, took: 40 }]
    const running = [
      { seconds: 10, part: 0.5 },
      { seconds: 10, part: undefined },
    ]
    const left = [{ seconds: 10 }, { seconds: 10 }, { seconds: 30 }]
    // 45 of 50 s are open; machines take twice as long as expected; two stages go on at once.
    expect(timeLeft({ done, left, running })).toBe(45)
    expect(timeLeft({ done, left, running: [] })).toBeUndefined()
  })
})

describe('the store', () => {
  test('has one name, and only studies in it', async () => {
    const folder = path.join(temporaryFolder(), 'new')
    const [one, two] = await Promise.all([openSharedStore(folder), openSharedStore(folder)])
    expect(one).toEqual(two)
    expect(studyInStore(one, path.join(folder, 'a/b'))).toBe('a/b')
    for (const other of [folder, path.dirname(folder), `${folder}-2/a`])
      expect((await failure(() => studyInStore(one, other))).message).toMatch(
        /got a folder outside the store/,
      )
    await checkStore(one)
  })

  test.runIf(existsSync('/proc/self'))('that cannot be written is told', async () => {
    expect((await failure(() => openSharedStore('/proc/handful/store'))).message).toMatch(
      /^opening the store/,
    )
    const error = await failure(() => checkStore({ folder: '/proc/self', id: '' }))
    expect(error.message).toMatch(/^writing \(\/proc\/self/)
  })

  test('tells its own troubles from those of a stage', () => {
    const full = Object.assign(new Error('write'), { code: 'ENOSPC' })
    expect(isStoreTrouble(full)).toBe(true)
    expect(isStoreTrouble(new Error('told in words', { cause: full }))).toBe(true)
    expect(isStoreTrouble(new Error('a head fell over'))).toBe(false)
  })

  test('keeps the first of two results', async () => {
    const folder = temporaryFolder()
    const stage = { kind: 'made', name: 'a stage', key: 'f'.repeat(32) }
    const [first, second] = [new StageStore(folder), new StageStore(folder)]
    expect((await first.writeFirst(stage, 1, 0)).result).toBe(1)
    expect((await second.writeFirst(stage, 2, 0)).result).toBe(1)
    expect((await second.read(stage))?.result).toBe(1)
    const file = path.join(folder, 'file')
    expect([await createFileAtomic(file, 'a'), await createFileAtomic(file, 'b')]).toEqual([true, false])
    expect(readFileSync(file, 'utf8')).toBe('a')
  })
})

describe('a lock with a claim', () => {
  test('passes on to the next of the same claim, and the one before writes nothing more', async () => {
    const folder = temporaryFolder()
    const silent = await acquireLock(folder, { claim: 'stage' })
    expect((await failure(() => acquireLock(folder))).message).toMatch(/in use by process/)
    expect((await failure(() => acquireLock(folder, { claim: 'other' }))).message).toMatch(
      /in use by process/,
    )
    const next = await acquireLock(folder, { claim: 'stage' })
    expect((await failure(() => silent.check())).message).toMatch(/taken over by another process/)
    await next.check()
    // The one that comes back does not take the other's away.
    await silent.release()
    await next.check()
    await next.release()
  })

  test('keeps a run folder from two writers', async () => {
    const folder = path.join(temporaryFolder(), 'run')
    const { parent, name } = { parent: path.dirname(folder), name: 'run' }
    const create = { folder, parent, name, date: new Date(), config: {}, environment: {}, claim: 'stage' }
    const silent = await RunFolder.create(create)
    await silent.appendMetrics({ stage: 'a', step: 1 })
    const next = await RunFolder.resume(folder, {}, 'stage')
    await next.appendMetrics({ stage: 'a', step: 2 })
    expect((await failure(() => silent.appendMetrics({ stage: 'a', step: 3 }))).message).toMatch(/taken over/)
    expect((await failure(() => silent.writeFile('weights', ''))).message).toMatch(/taken over/)
    await silent.close()
    await next.appendMetrics({ stage: 'a', step: 3 })
    expect(readFileSync(path.join(folder, 'metrics.jsonl'), 'utf8').match(/"step":\d/g)).toHaveLength(3)
    await next.close()
  })
})

describe("Slurm's script", () => {
  const entry = (key: string, after: readonly string[] = [], more: Partial<PlanEntry> = {}): PlanEntry => ({
    ...{ key, kind: 'cell', name: `stage ${key}`, seconds: 60 },
    after: [...after],
    needs: { threads: 2, memoryBytes: 2 * GIB, device: 'cpu' },
    ...more,
  })
  const submitted = (stages: readonly PlanEntry[]): string[] =>
    slurmScript({ stages, store: '/a store', folder: '/a store/b', handful: ['node', '/a b/main.js'] })
      .split('\n')
      .filter((line) => line.includes('$(sbatch'))

  test('has an array for stages that wait for the same ones, after those very tasks', () => {
    const model = entry('m', [], {
      kind: 'model',
      needs: { threads: 2, memoryBytes: 4 * GIB, device: 'webgpu' },
    })
    const lines = submitted([model, entry('x'), entry('y'), entry('p', ['m', 'y']), entry('q', ['y', 'm'])])
    expect(lines).toHaveLength(4)
    expect(lines[0]).toMatch(/^array1=.*--array=0-0 --cpus-per-task=2 --mem=4096M --time=19 --gres=gpu:1/)
    expect(lines[1]).toMatch(/^array2=.*--array=0-1 .*--mem=2048M/)
    expect(lines[1]).not.toContain('gres')
    expect(lines[2]).toContain('--array=0-1')
    expect(lines[2]).toContain('--dependency=afterok:${array1}_0:${array2}_1')
    expect(lines[3]).toContain('--dependency=afterany:${array1}:${array2}:${array3}')
  })

  test('keeps to the tasks that an array may have', () => {
    const many = Array.from({ length: 1500 }, (_, i) => entry(`k${i}`))
    const lines = submitted([...many, entry('last', ['k1499'])])
    expect(lines.slice(0, 2).map((line) => /--array=0-\d+/.exec(line)?.[0])).toEqual([
      '--array=0-999',
      '--array=0-499',
    ])
    expect(lines[2]).toContain('--dependency=afterok:${array2}_499')
  })
})
