/**
 * How much longer a training step takes on larger images: drawing its inputs (augmentation among them) and running it, in
 * turns over the sizes, with the preset that each model does best with or the one that is named.
 *
 *   npx tsx bench/sizes/run.ts [--models vae,vqvae,diffusion,flow,gan] [--sizes 32,64,128] [--channels 3] [--steps 8]
 *     [--threads 2] [--preset fast] [--repeats 1]
 *
 * Ratios are medians over the steps of each step's time by that of the first size in the same turn; the first is of the
 * clock, the second of the time that processors worked for this process, which says more on a machine that others use.
 */
import { parseArgs } from 'node:util'
import {
  augment,
  type AugmentOptions,
  modelChoiceSchema,
  MODELS,
  modelNamed,
  resolveAugmentation,
  resolveModel,
} from 'handful'
import { openSession, Random } from 'onnx-autodiff'

const { values } = parseArgs({
  options: {
    models: { type: 'string', default: MODELS.join(',') },
    sizes: { type: 'string', default: '32,64,128' },
    channels: { type: 'string', default: '3' },
    steps: { type: 'string', default: '8' },
    threads: { type: 'string', default: '2' },
    preset: { type: 'string' },
    repeats: { type: 'string', default: '1' },
  },
})
const WARM_UP = 2
const channels = values.channels === '1' ? 1 : 3
const steps = Number(values.steps)

const median = (times: readonly number[]): number => [...times].sort((a, b) => a - b)[times.length >> 1]

async function timed(name: string, size: number) {
  const preset = values.preset ?? modelNamed(name).bestPreset
  const model = resolveModel(modelChoiceSchema.parse({ model: name, preset, set: {} }), {
    size,
    channels,
  })
  const {
    program,
    laterPhases = [],
    initialState,
    batch,
    hasTarget,
    hasSecondView,
    viewSize = size,
    drawInputs,
  } = model.train(1000, 0)
  const session = await openSession([program, ...laterPhases.map((phase) => phase.program)], {
    threads: Number(values.threads),
    device: 'cpu',
    state: initialState,
  })
  const pixels = Uint8Array.from(
    { length: batch * size * size * channels },
    (_, i) => (i * 2_654_435_761) >>> 24,
  )
  const { options } = resolveAugmentation(undefined, model)
  const view = (step: number, how: AugmentOptions | null): Uint8Array =>
    how === null
      ? pixels.slice()
      : augment({ pixels, count: batch, size, channels }, how, new Random(0, `view/${step}`), viewSize)
  const image = (data: Uint8Array, side = viewSize) => ({
    dtype: 'uint8' as const,
    shape: [batch, side, side, channels],
    data,
  })
  return {
    name,
    size,
    times: [] as number[],
    worked: [] as number[],
    async step(number: number): Promise<{ time: number; worked: number }> {
      const due = [0, ...laterPhases.flatMap(({ every }, i) => (number % every === 0 ? [i + 1] : []))]
      const [started, before] = [performance.now(), process.cpuUsage()]
      await session.run(
        {
          image: image(view(number, options)),
          ...(hasTarget ? { target: image(pixels.slice(), size) } : {}),
          ...(hasSecondView === true ? { second: image(view(number, options)) } : {}),
          ...drawInputs((stream) => new Random(0, `${stream}/${number}`), number),
        },
        due,
      )
      const { user, system } = process.cpuUsage(before)
      return { time: performance.now() - started, worked: (user + system) / 1000 }
    },
    close: () => session.close(),
  }
}

async function compare(name: string): Promise<void> {
  const runs: Awaited<ReturnType<typeof timed>>[] = []
  for (const size of values.sizes.split(',')) runs.push(await timed(name, Number(size)))
  for (let step = 1; step <= WARM_UP + steps; step++) {
    for (const run of runs) {
      const { time, worked } = await run.step(step)
      if (step <= WARM_UP) continue
      run.times.push(time)
      run.worked.push(worked)
    }
  }
  const ratio = (own: readonly number[], first: readonly number[]): string =>
    median(own.map((value, turn) => value / first[turn])).toFixed(2)
  for (const { size, times, worked } of runs) {
    const label = `${name.padEnd(10)} ${String(size).padStart(4)}  ${median(times).toFixed(0).padStart(6)} ms`
    console.log(`${label}  ${ratio(times, runs[0].times)}  ${ratio(worked, runs[0].worked)}`)
  }
  for (const run of runs) await run.close()
}

for (let repeat = 0; repeat < Number(values.repeats); repeat++)
  for (const name of values.models.split(',')) await compare(name)
