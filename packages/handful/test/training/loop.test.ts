/** The training loop: a run that is stopped and taken up again ends as one that was never stopped, bit for bit. */
import { mkdtemp, readdir, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { add, type Arrays, input, mean, Random } from 'onnx-autodiff'
import { afterAll, afterEach, expect, test, vi } from 'vitest'
import { vae } from '../../src/models/vae/vae.js'
import { silentProgress } from '../../src/training/progress.js'
import { train, type TrainingJob } from '../../src/training/loop.js'

const STEPS = 24
const image = { size: 8, channels: 1 } as const
const fast = vae.preset('fast', image)
const config = { ...fast, batch: 4, width: 4, hidden: 8, latent: 3, warmUpSteps: 2 }
const folders: string[] = []
afterEach(() => void vi.restoreAllMocks())
afterAll(() => Promise.all(folders.map((folder) => rm(folder, { recursive: true }))))

async function job(signal: AbortSignal, folder?: string): Promise<TrainingJob> {
  const trainable = vae.configure(config, image).train(STEPS, 0)
  const shape = [config.batch, 8, 8, 1]
  return {
    stage: 'train',
    program: trainable.program,
    initialState: trainable.initialState,
    steps: STEPS,
    loss: trainable.loss,
    inputsOf: (step): Arrays => {
      const random = new Random(0, `images/${step}`)
      const pixels = () => Uint8Array.from({ length: config.batch * 64 }, () => random.integer(256))
      return {
        image: { dtype: 'uint8', shape, data: pixels() },
        target: { dtype: 'uint8', shape, data: pixels() },
        ...trainable.drawInputs((name) => new Random(0, `${name}/${step}`), step),
      }
    },
    checkpoints: { folder: folder ?? (await temporary()), key: 'test' },
    threads: 1,
    signal,
    progress: silentProgress,
  }
}

async function temporary(): Promise<string> {
  const folder = await mkdtemp(path.join(tmpdir(), 'handful-loop-'))
  folders.push(folder)
  return folder
}

test('stopped, a checkpoint is saved; taken up again, the end is the same', async () => {
  const whole = await train(await job(new AbortController().signal))

  const folder = await temporary()
  const stop = new AbortController()
  const first = await job(stop.signal, folder)
  const reason = new Error('stopped by the user')
  const inputsOf = (step: number): Arrays => {
    if (step === 9) stop.abort(reason)
    return first.inputsOf(step)
  }
  await expect(train({ ...first, inputsOf })).rejects.toBe(reason)
  expect(await readdir(folder)).toHaveLength(1)

  let earliest = Infinity
  const second = await job(new AbortController().signal, folder)
  const resumed = await train({
    ...second,
    inputsOf: (step) => {
      earliest = Math.min(earliest, step)
      return second.inputsOf(step)
    },
  })
  expect(earliest).toBeGreaterThan(0)
  expect(resumed.state).toEqual(whole.state)
})

test('curves hold what an earlier process measured, each step once', async () => {
  const folder = await temporary()
  const stop = new AbortController()
  const first = await job(stop.signal, folder)
  const inputsOf = (step: number): Arrays => {
    if (step === 9) stop.abort(new Error('stopped'))
    return first.inputsOf(step)
  }
  await expect(train({ ...first, inputsOf })).rejects.toThrow('stopped')
  const { curves } = await train(await job(new AbortController().signal, folder))
  const loss = curves.find(({ name }) => name === 'loss')
  expect(loss?.step[0]).toBeLessThanOrEqual(10)
  expect(loss?.step.at(-1)).toBe(STEPS)
  expect(loss?.step).toEqual([...new Set(loss?.step)].sort((a, b) => a - b))
  expect(loss?.value).toHaveLength(loss?.step.length ?? -1)
})

test('a checkpoint of another job is not resumed from', async () => {
  const folder = await temporary()
  const done = await job(new AbortController().signal, folder)
  await train({ ...done, steps: 3 })
  let earliest = Infinity
  await train({
    ...done,
    steps: 4,
    checkpoints: { folder, key: 'another' },
    inputsOf: (step) => {
      earliest = Math.min(earliest, step)
      return done.inputsOf(step)
    },
  })
  expect(earliest).toBe(0)
})

test('a run gone on with late is not taken for one that explodes because its loss is small by then', async () => {
  const [value, count] = [input('value', [1]), input('count', [])]
  const losses = [10, 0.01, 0.01, 0.01, 0.01, 0.5]
  let ahead = 0
  const now = performance.now.bind(performance)
  vi.spyOn(performance, 'now').mockImplementation(() => now() + ahead)
  const stop = new AbortController()
  const small: TrainingJob = {
    stage: 'train',
    program: {
      inputs: [value],
      state: [{ variable: count, next: add(count, 1) }],
      outputs: { loss: mean(value) },
    },
    initialState: { count: { dtype: 'float32', shape: [], data: new Float32Array(1) } },
    steps: losses.length,
    loss: 'loss',
    inputsOf: (step) => {
      if (step === 2) stop.abort(new Error('stopped'))
      // Losses are looked at every second.
      if (step === 4) ahead += 1100
      return { value: { dtype: 'float32', shape: [1], data: Float32Array.of(losses[step]) } }
    },
    checkpoints: { folder: await temporary(), key: 'test' },
    threads: 1,
    signal: stop.signal,
    progress: silentProgress,
  }
  await expect(train(small)).rejects.toThrow('stopped')
  const seen: number[] = []
  const onMetrics = (_: number, { loss }: Readonly<Record<string, number>>) => void seen.push(loss)
  const { state } = await train({ ...small, signal: new AbortController().signal, onMetrics })
  expect(state.count.data[0]).toBe(losses.length)
  expect(seen.length).toBeGreaterThan(1)
})

test('a loss that is no number ends the training in plain words', async () => {
  const broken = await job(new AbortController().signal)
  const initialState = Object.fromEntries(
    Object.entries(broken.initialState).map(([name, array]) => [
      name,
      name.startsWith('decoder.last')
        ? { ...array, data: new Float32Array(array.data.length).fill(NaN) }
        : array,
    ]),
  )
  await expect(train({ ...broken, initialState })).rejects.toThrow(/no number any more.*learning rate/)
})
