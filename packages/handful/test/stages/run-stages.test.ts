/** What is done is not done again, what fails takes only what needs it along, and progress is told in the order of the work. */
import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { z } from 'zod'
import { contentKey } from '../../src/files/content-key.js'
import { plainLinearAlgebra } from '../../src/numerics/linear-algebra.js'
import { plannedStages, runStages, type RunStagesOptions } from '../../src/stages/run-stages.js'
import { inOrder, type Stage } from '../../src/stages/stage.js'
import { StageStore } from '../../src/stages/stage-store.js'
import { type PlannedStage, type ProgressEvent, silentProgress } from '../../src/training/progress.js'

let folder: string
let worked: string[]
beforeEach(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'handful-stages-'))
  worked = []
})
afterEach(() => rm(folder, { recursive: true }))

/** Gives its own name. */
function stage(name: string, more: Partial<Stage<string>> = {}): Stage<string> {
  const needs = more.needs ?? []
  const settings = { name, needs: needs.map(({ key }) => key) }
  return {
    kind: 'word',
    name,
    settings,
    key: contentKey(settings),
    needs,
    seconds: 1,
    group: name,
    schema: z.string(),
    work: () => {
      worked.push(name)
      return Promise.resolve(name)
    },
    ...more,
  }
}

function run(stages: readonly Stage[], more: Partial<RunStagesOptions<Stage>> = {}) {
  return runStages(stages, {
    store: new StageStore(folder),
    progress: silentProgress,
    context: {
      linearAlgebra: plainLinearAlgebra(),
      seed: 0,
      threads: 1,
      device: 'cpu',
      signal: new AbortController().signal,
    },
    ...more,
  })
}

const failing = () => stage('b', { work: () => Promise.reject(new Error('it\n fell  over')) })

describe('a run of stages', () => {
  test('does each after those that it needs, once, and keeps what it gave', async () => {
    const a = stage('a')
    const b = stage('b', { needs: [a] })
    const stages = [b, stage('c'), a]
    expect(inOrder(stages).map(({ name }) => name)).toEqual(['a', 'b', 'c'])
    await run(stages)
    expect(worked).toEqual(['a', 'b', 'c'])
    const { done } = await run(stages)
    expect(worked).toEqual(['a', 'b', 'c'])
    expect([...done.values()].map(({ result }) => result).sort()).toEqual(['a', 'b', 'c'])
    expect(await new StageStore(folder).result(b)).toBe('b')
  })

  test('makes files again that were taken away, where a stage that is to be done needs them or nothing follows', async () => {
    let there = true
    const present = () => Promise.resolve(there)
    const a = stage('a', { present })
    const b = stage('b', { needs: [a] })
    await run([a, b])
    there = false
    await run([a, b])
    expect(worked).toEqual(['a', 'b'])
    await run([a, b, stage('c', { needs: [a] })])
    expect(worked).toEqual(['a', 'b', 'a', 'c'])
    await run([a])
    expect(worked).toEqual(['a', 'b', 'a', 'c', 'a'])
  })

  test('tells one that fails in one line and goes on with what does not need it', async () => {
    const messages: string[] = []
    const b = failing()
    const { done, lost } = await run([stage('a'), b, stage('c', { needs: [b] }), stage('d')], {
      progress: { ...silentProgress, message: (text) => void messages.push(text) },
    })
    expect([...done.keys()].map(({ name }) => name)).toEqual(['a', 'd'])
    expect(lost.map(({ stage: { name }, reason, message }) => [name, reason, message])).toEqual([
      ['b', 'failed', 'it fell over'],
      ['c', 'failed', 'needs "b", which has no result'],
    ])
    expect(messages).toEqual(['b: it fell over'])
  })

  test('of which all are required ends with the error, and goes on after it', async () => {
    const stopped: number[] = []
    const onStopped = ({ done }: { done: ReadonlyMap<Stage, unknown> }): Promise<void> =>
      Promise.resolve(void stopped.push(done.size))
    const stages = (b: Stage) => [stage('a'), b, stage('c', { needs: [b] })]
    await expect(run(stages(failing()), { required: true, onStopped })).rejects.toThrow('fell  over')
    expect([worked, stopped]).toEqual([['a'], [1]])
    await run(stages(stage('b')), { required: true })
    expect(worked).toEqual(['a', 'b', 'c'])
  })

  test('begins none after its time is used up', async () => {
    const { lost } = await run([stage('a'), stage('b')], { budget: { seconds: -1, words: '1m' } })
    expect(lost.map(({ reason, message }) => `${reason}: ${message}`)).toEqual([
      'budget: the time of 1m was used up before it',
      'budget: the time of 1m was used up before it',
    ])
  })

  test('that is stopped throws the reason, and what was done is not done again', async () => {
    const controller = new AbortController()
    const context = {
      linearAlgebra: plainLinearAlgebra(),
      seed: 0,
      threads: 1,
      device: 'cpu',
      signal: controller.signal,
    }
    const onEnd = (): Promise<void> => Promise.resolve(controller.abort(new Error('stop')))
    await expect(run([stage('a'), stage('b')], { context, onEnd })).rejects.toThrow('stop')
    await run([stage('a'), stage('b')])
    expect(worked).toEqual(['a', 'b'])
  })
})

describe('progress', () => {
  test('is planned in the order of the work, without what is done, and counts stages of a group together', async () => {
    const plans: (readonly PlannedStage[])[] = []
    const events: ProgressEvent[] = []
    const progress = {
      ...silentProgress,
      plan: (stages: readonly PlannedStage[]) => void plans.push(stages),
      report: (event: ProgressEvent) => void events.push(event),
    }
    const a = stage('a', { seconds: 3 })
    const fits = ['x', 'y'].map((name) =>
      stage(name, { needs: [a], seconds: 2, group: 'fits', unit: 'fits', total: 5 }),
    )
    await run([...fits, a], { progress, before: [{ stage: 'read', expectedSeconds: 1 }] })
    expect(plans).toEqual([
      [
        { stage: 'read', expectedSeconds: 1 },
        { stage: 'a', expectedSeconds: 3 },
        { stage: 'fits', expectedSeconds: 4 },
      ],
    ])
    expect([...new Set(events.map((event) => event.stage))]).toEqual(
      plans[0].slice(1).map((each) => each.stage),
    )
    expect(events.filter((event) => event.stage === 'fits').map(({ done, total }) => [done, total])).toEqual([
      [0, 10],
      [5, 10],
      [10, 10],
    ])
    await run([...fits, a, stage('z')], { progress })
    expect(plans[1]).toEqual([{ stage: 'z', expectedSeconds: 1 }])
  })

  test('of stages that count nothing is their share of the group in per cent, whatever their number', async () => {
    const events: ProgressEvent[] = []
    const progress = { ...silentProgress, report: (event: ProgressEvent) => void events.push(event) }
    const maps = ['x', 'y', 'z', 'w'].map((name) => stage(name, { group: 'maps' }))
    await run(maps, { progress })
    const seen = events.filter((event) => event.stage === 'maps')
    expect(seen.map(({ done, total, unit }) => [done, total, unit])).toEqual([
      [0, 100, '%'],
      [25, 100, '%'],
      [50, 100, '%'],
      [75, 100, '%'],
      [100, 100, '%'],
    ])
  })

  test('has no time for a group of which one stage has none', () => {
    expect(
      plannedStages([stage('a', { seconds: undefined, group: 'g' }), stage('b', { group: 'g' })]),
    ).toEqual([{ stage: 'g', expectedSeconds: undefined }])
  })
})

describe('the store', () => {
  test('takes what an older version kept for the stage, and nothing that is damaged', async () => {
    const older = () => Promise.resolve({ seconds: 7, finishedAt: '2026-01-01T00:00:00.000Z', result: 'old' })
    const { done } = await run([stage('a', { older })])
    expect([...done.values()]).toMatchObject([{ name: 'a', seconds: 7, result: 'old' }])
    expect(worked).toEqual([])
    await run([stage('b')])
    const [file] = await readdir(path.join(folder, 'stages'))
    await writeFile(path.join(folder, 'stages', file), '{"version":1,')
    await run([stage('b')])
    expect(worked).toEqual(['b', 'b'])
  })

  test('finds the first of many names that is there', async () => {
    const store = new StageStore(folder)
    const names = ['a', 'b', 'c'].map((name) => stage(name))
    expect(await new StageStore(folder).firstOf(names)).toBeUndefined()
    await store.write(names[1], 'found', 1)
    await store.write(names[2], 'later', 1)
    expect((await new StageStore(folder).firstOf(names))?.result).toBe('found')
  })
})
