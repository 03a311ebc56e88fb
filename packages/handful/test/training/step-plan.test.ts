/** Minutes as a number of steps: chosen at the start, held to the clock on the way. */
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { afterAll, expect, test } from 'vitest'
import { openStrokes } from '../../src/data/strokes-dataset.js'
import { vae } from '../../src/models/vae/vae.js'
import { pretrain } from '../../src/training/pretrain.js'
import { silentProgress } from '../../src/training/progress.js'
import { RunFolder } from '../../src/runs/run-folder.js'
import { StepPlan } from '../../src/training/step-plan.js'

const folders: string[] = []
afterAll(() => Promise.all(folders.map((folder) => rm(folder, { recursive: true }))))

async function temporary(): Promise<string> {
  const folder = await mkdtemp(path.join(tmpdir(), 'handful-plan-'))
  folders.push(folder)
  return folder
}

/** A training of so many minutes at a pace that depends on the time: seconds and steps at its end. */
function simulate(plan: StepPlan, paceAt: (seconds: number) => number): { seconds: number; steps: number } {
  let [step, seconds] = [0, 0]
  plan.start(0, 0)
  while (step < plan.steps) {
    step++
    seconds += paceAt(seconds)
    plan.changes(step, seconds)
  }
  return { seconds, steps: step }
}

const open = async (minutes: number, pace: number): Promise<StepPlan> =>
  StepPlan.open(path.join(await temporary(), 'below', 'plan.json'), minutes, () => Promise.resolve(pace))

test('at the pace that was timed, the number of steps stays', async () => {
  const plan = await open(1, 0.1)
  expect(plan.steps).toBe(600)
  expect(simulate(plan, () => 0.1)).toEqual({ steps: 600, seconds: expect.closeTo(60, 5) as number })
})

test('a machine that was busy at first, or is later, still takes about the minutes asked for', async () => {
  for (const [timed, paceAt] of [
    [0.5, () => 0.1],
    [0.1, () => 0.4],
    [0.1, (seconds: number) => (seconds > 24 ? 0.3 : 0.1)],
    [0.3, (seconds: number) => (seconds < 12 ? 0.3 : 0.1)],
  ] as const) {
    const { seconds } = simulate(await open(1, timed), paceAt)
    expect(seconds).toBeGreaterThan(54)
    expect(seconds).toBeLessThan(66)
  }
})

test('what was planned last is what a run goes on with', async () => {
  const file = path.join(await temporary(), 'plan.json')
  const plan = await StepPlan.open(file, 1, () => Promise.resolve(0.1))
  plan.start(0, 0)
  expect(plan.changes(10, 5)).toBe(true)
  await plan.save()
  const again = await StepPlan.open(file, 1, () => Promise.reject(new Error('timed a second time')))
  expect(again.steps).toBe(plan.steps)
})

test('a training that was planned far too long ends in its time, with weights and one curve', async () => {
  const { train: images } = await openStrokes({ seed: 0, count: 64, testCount: 0, folders: { cacheDir: '' } })
  const image = { size: images.height, channels: images.channels } as const
  const config = { ...vae.preset('fast', image), batch: 8, width: 4, hidden: 8, latent: 3, warmUpSteps: 2 }
  const folder = path.join(await temporary(), 'run')
  const run = await RunFolder.create({
    folder,
    parent: '',
    name: 'plan',
    date: new Date(),
    config: {},
    environment: {},
  })
  await writeFile(run.path('checkpoints', 'plan.json'), '{"steps":1000000}')
  const started = performance.now()
  const { steps, seconds, curves } = await pretrain(
    images,
    {
      model: vae.configure(config, image),
      augmentation: null,
      seed: 0,
      minutes: 0.05,
      threads: 1,
      device: 'cpu',
    },
    {
      checkpoints: { folder: run.path('checkpoints'), key: 'plan' },
      signal: new AbortController().signal,
      progress: silentProgress,
    },
  )
  expect((performance.now() - started) / 1000).toBeLessThan(20)
  expect(seconds).toBeGreaterThan(1.5)
  expect(steps).toBeGreaterThanOrEqual(50)
  expect(steps).toBeLessThan(100_000)
  expect(curves[0].step.at(-1)).toBe(steps)
  expect(curves[0].step).toEqual(curves[0].step.toSorted((a, b) => a - b))
  await run.close()
  expect(JSON.parse(await readFile(run.path('checkpoints', 'plan.json'), 'utf8'))).toEqual({ steps })
})
