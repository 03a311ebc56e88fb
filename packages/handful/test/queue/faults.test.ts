/** What goes wrong with planners, workers, the queue and the store, by real processes: it is told, and the study goes on. */
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import path from 'node:path'
import { afterAll, beforeAll, describe, test, type TestContext } from 'vitest'
import type { MadeStage } from './made-stages.js'
import { hasRedis, REDIS_NEEDED, type RedisUnderTest, startRedis, wireTo } from './redis-under-test.js'
import {
  begun,
  MADE,
  ownFolder,
  removeFolders,
  type Place,
  plan,
  startWorker,
  studyFolder,
  until,
  writeStages,
} from './support.js'

/** A dozen processes start at once. */
const PATIENCE_MS = 240_000

/** A store of its own, whose workers end with the test. */
function scene(redis: RedisUnderTest, { onTestFinished }: Pick<TestContext, 'onTestFinished'>) {
  const place: Place = { redis, store: ownFolder() }
  const inStudy = (name: string): string => path.join(studyFolder(place), name)
  return {
    place,
    worker(...options: Parameters<typeof startWorker> extends [Place, ...infer Rest] ? Rest : []) {
      const started = startWorker(place, ...options)
      onTestFinished(() => started.end())
      return started
    },
    steps: (name: string): string[] =>
      readFileSync(inStudy(`steps ${name}`), 'utf8')
        .trim()
        .split('\n'),
    /** Waits until so many steps of a stage are counted. */
    counts: (name: string, steps: number): Promise<void> =>
      until(
        () =>
          existsSync(inStudy(`steps ${name}`)) &&
          readFileSync(inStudy(`steps ${name}`), 'utf8').split('\n').length > steps,
      ),
    records: (): string[] => readdirSync(inStudy('stages')),
  }
}

afterAll(removeFolders)

describe.skipIf(!hasRedis).concurrent(`a study in the queue${REDIS_NEEDED}`, { timeout: PATIENCE_MS }, () => {
  let redis: RedisUnderTest
  beforeAll(async () => {
    redis = await startRedis(ownFolder())
  })
  afterAll(() => redis.stop())

  test('does each stage once, each after those that it needs, as many at once as a worker has threads for', async ({
    expect,
    onTestFinished,
  }) => {
    const { place, worker, steps } = scene(redis, { onTestFinished })
    const counting = (name: string, ...after: string[]): MadeStage => ({
      name,
      does: 'counts',
      steps: 15,
      after,
    })
    writeStages(place, [
      counting('a'),
      counting('b'),
      counting('c', 'a', 'b'),
      counting('d', 'a'),
      counting('e', 'c', 'd'),
    ])
    const { said } = worker({ threads: 2 })
    const planning = plan(place)
    const { done, lost } = await planning.standing
    expect([done.size, lost]).toEqual([5, []])
    expect(begun(place)).toEqual(['a', 'b', 'c', 'd', 'e'])
    const log = readFileSync(path.join(studyFolder(place), 'log'), 'utf8')
      .trim()
      .split('\n')
    for (const [before, later] of ['ac', 'bc', 'ad', 'ce', 'de'])
      expect(log.indexOf(later)).toBeGreaterThan(log.indexOf(before))
    // Two processes of the one worker have done them.
    const pids = new Set(log.map((name) => steps(name)[0].split(' ')[2]))
    expect(pids.size).toBe(2)
    await until(() => said().includes('e: done in'))
    // The same again does nothing.
    expect((await plan(place).standing).done.size).toBe(5)
    expect(begun(place)).toHaveLength(5)
  })

  test('goes on where a stage crashes, hangs or fails, and tells what fails three times', async ({
    expect,
    onTestFinished,
  }) => {
    const { place, worker } = scene(redis, { onTestFinished })
    writeStages(place, [
      { name: 'crashing', does: 'crashes once' },
      { name: 'hanging', does: 'hangs once' },
      { name: 'failing', does: 'fails' },
      { name: 'needs failing', does: 'nothing', after: ['failing'] },
      { name: 'needs hanging', does: 'nothing', after: ['hanging', 'crashing'] },
    ])
    const { says } = worker({ hung: 2, threads: 3 })
    const { standing, messages } = plan(place)
    const { done, lost } = await standing
    expect([...done.keys()].map(({ name }) => name).sort()).toEqual(['crashing', 'hanging', 'needs hanging'])
    expect(lost.map(({ stage, reason, message }) => [stage.name, reason, message])).toEqual([
      ['failing', 'failed', expect.stringMatching(/^the stage fell over \(on .+\)$/)],
      ['needs failing', 'failed', 'needs "failing", which has no result'],
    ])
    expect(messages).toContainEqual(expect.stringMatching(/^failing: the stage fell over/))
    expect(begun(place)).toEqual([
      ...['crashing', 'crashing', 'failing', 'failing', 'failing'],
      ...['hanging', 'hanging', 'needs hanging'],
    ])
    await says(/hanging: it showed no sign of life for 2/)
    await says(/crashing: its process ended with SIGKILL; it may have had too little memory/)
    // It is tried again when the same command is given again.
    await plan(place).standing
    expect(begun(place).filter((name) => name === 'failing')).toHaveLength(6)
  })

  test('takes the stage of a killed worker again, which goes on where it was', async ({
    expect,
    onTestFinished,
  }) => {
    const { place, worker, steps, counts } = scene(redis, { onTestFinished })
    writeStages(place, [{ name: 'long', does: 'counts', steps: 150 }])
    const first = worker()
    const { standing } = plan(place)
    await counts('long', 20)
    first.kill('SIGKILL')
    const second = worker()
    const { done } = await standing
    expect(done.size).toBe(1)
    expect(begun(place)).toEqual(['long', 'long'])
    const by = steps('long').map((line) => line.split(' ')[2])
    // Its process ends with the worker; the steps of the first are not counted again.
    expect(steps('long').map((line) => line.split(' ')[0])).toEqual(
      Array.from({ length: 150 }, (_, i) => String(i)),
    )
    expect(new Set(by).size).toBe(2)
    expect(second.said()).toContain('ready')
  })
  test('gives the stage of a worker that fell silent to another, into one result', async ({
    expect,
    onTestFinished,
  }) => {
    const { place, worker, counts, records } = scene(redis, { onTestFinished })
    writeStages(place, [{ name: 'long', does: 'counts', steps: 150 }])
    const silent = worker({ lock: 1 })
    const { standing } = plan(place)
    await counts('long', 5)
    silent.kill('SIGSTOP')
    const other = worker({ lock: 1 })
    await other.says('ready')
    await until(() => begun(place).length === 2)
    silent.kill('SIGCONT')
    await silent.says('long: the queue has given it to another worker meanwhile')
    const { done } = await standing
    await other.says('long: done')
    expect(done.size).toBe(1)
    expect(records()).toHaveLength(1)
  })

  test.for(['broken', 'silent'] as const)(
    'gives the stage of a worker whose network is %s to another, and the first comes back',
    async (how, { expect, onTestFinished }) => {
      const { place, worker, counts, records } = scene(redis, { onTestFinished })
      const wire = await wireTo(redis)
      onTestFinished(() => wire.end())
      writeStages(place, [
        { name: 'long', does: 'counts', steps: 700 },
        { name: 'after', does: 'nothing', after: ['long'] },
      ])
      const far = startWorker({ ...place, redis: wire.redis }, { lock: 1 })
      onTestFinished(() => far.end())
      const { standing } = plan(place)
      await counts('long', 5)
      const near = worker({ lock: 1 })
      await near.says('ready')
      wire.cut(how)
      await until(() => begun(place).length === 2)
      wire.mend()
      await far.says('long: the queue has given it to another worker meanwhile')
      const { done } = await standing
      await near.says('long: done')
      expect(done.size).toBe(2)
      expect(begun(place)).toEqual(['after', 'long', 'long'])
      expect(records()).toHaveLength(2)
      expect(far.said().includes('away')).toBe(how === 'broken')
      // It takes work again.
      near.kill('SIGTERM')
      await until(() => near.child.exitCode !== null)
      rmSync(path.join(studyFolder(place), 'stages'), { recursive: true })
      expect((await plan(place).standing).done.size).toBe(2)
    },
  )

  test('is given back by a worker that is stopped, without waiting for a lock', async ({
    expect,
    onTestFinished,
  }) => {
    const { place, worker, steps, counts } = scene(redis, { onTestFinished })
    writeStages(place, [{ name: 'long', does: 'counts', steps: 100 }])
    const first = worker({ lock: 600 })
    const { standing } = plan(place)
    await counts('long', 5)
    first.kill('SIGTERM')
    await until(() => first.child.exitCode !== null)
    worker({ lock: 600 })
    expect((await standing).done.size).toBe(1)
    expect(steps('long')).toHaveLength(100)
  })

  test('goes on without its planner, is found done by the next one, and tells workers of another version', async ({
    expect,
    onTestFinished,
  }) => {
    const { place, worker, counts } = scene(redis, { onTestFinished })
    writeStages(place, [
      { name: 'long', does: 'counts', steps: 60 },
      { name: 'after', does: 'nothing', after: ['long'] },
    ])
    const { says } = worker({ commit: 'def' })
    const first = plan(place)
    await counts('long', 1)
    await until(() =>
      first.messages.some((text) => /^Worker .* has commit def instead of abc: results may/.test(text)),
    )
    first.stop()
    await expect(first.standing).rejects.toThrow('the planner is stopped')
    await says('after: done')
    await says(`study was planned by another version: here is commit def instead of ${MADE.commit}`)
    expect((await plan(place).standing).done.size).toBe(2)
    expect(begun(place)).toEqual(['after', 'long'])
  })

  test('waits where the store is full, without counting that against a stage, and notes who did it', async ({
    expect,
    onTestFinished,
  }) => {
    const { place, worker } = scene(redis, { onTestFinished })
    writeStages(place, [{ name: 'a', does: 'nothing' }])
    // A folder in the place of the file that is written to see whether it can be.
    const { says, child } = worker({ commit: 'def' })
    await says('ready')
    const probe = path.join(place.store, `.probe-${child.pid}`)
    mkdirSync(probe)
    const { standing, messages } = plan(place)
    await says(/writing \(.*\): got a folder where a file should be.*no stage is begun until it is/)
    await until(() => messages.some((text) => /^Worker .* takes nothing: writing/.test(text)))
    rmSync(probe, { recursive: true })
    const { done, notes } = await standing
    expect(done.size).toBe(1)
    expect(notes).toEqual([
      'A worker had commit def instead of abc: what it computed may differ in its last digits.',
    ])
    await says('The store can be written again.')
  })
})

describe
  .skipIf(!hasRedis)
  .concurrent(`a queue that is started again${REDIS_NEEDED}`, { timeout: PATIENCE_MS }, () => {
    test.for<[string, string[]]>([
      ['and has forgotten all', []],
      ['and has kept all', ['--appendonly', 'yes', '--appendfsync', 'always']],
    ])('%s goes on', async ([, options], { expect, onTestFinished }) => {
      const redis = await startRedis(ownFolder(), options)
      onTestFinished(() => redis.stop())
      const { place, worker, steps, counts } = scene(redis, { onTestFinished })
      writeStages(place, [
        { name: 'short', does: 'nothing' },
        { name: 'long', does: 'counts', steps: 150, after: ['short'] },
        { name: 'after', does: 'nothing', after: ['long'] },
      ])
      const { says } = worker()
      const { standing } = plan(place)
      await counts('long', 1)
      await redis.restart()
      await says('back')
      expect((await standing).done.size).toBe(3)
      expect(steps('long')).toHaveLength(150)
      expect(begun(place).filter((name) => name !== 'long')).toEqual(['after', 'short'])
    })
  })
