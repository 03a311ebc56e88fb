/**
 * Peak memory and time of one training step on 64 images, whole and in slices whose gradients are added up.
 *
 *   npx tsx bench/micro-batches/run.ts
 *
 * A process of its own for each number of slices: peak memory is the process's high-water mark (VmHWM, Linux), so one
 * that has run the whole batch says nothing about slices. The network is four residual blocks of 64 channels on 32x32.
 */
import { spawnSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import {
  adam,
  add,
  convolution,
  gradients,
  groupNorm,
  input,
  type Layer,
  meanSquaredError,
  mul,
  openLocalSession,
  Parameters,
  Random,
  reshape,
  sequence,
  silu,
  sizeOf,
  sumOverSlices,
  type Tensor,
} from 'onnx-autodiff'

const [BATCH, SIZE, WIDTH, STEPS] = [64, 32, 64, 6]

function network(p: Parameters): Layer {
  const conv = (q: Parameters, inChannels: number, outChannels: number): Layer =>
    convolution(q, { inChannels, outChannels, kernel: 3, padding: 1 })
  const block = (q: Parameters): Layer => {
    const change = sequence(groupNorm(q.scope('norm'), WIDTH, 8), silu, conv(q.scope('conv'), WIDTH, WIDTH))
    return (x) => add(x, change(x))
  }
  const blocks = [0, 1, 2, 3].map((i) => block(p.scope(`block${i}`)))
  return sequence(conv(p.scope('first'), 3, WIDTH), ...blocks, conv(p.scope('last'), WIDTH, 3))
}

async function measure(slices: number): Promise<{ peakMb: number; ms: number; loss: number }> {
  const p = new Parameters()
  const apply = network(p)
  // Slices come first, so that a slice is one block of memory.
  const shape = [slices, SIZE, SIZE, BATCH / slices, 3]
  const [images, targets] = [input('images', shape), input('targets', shape)]
  const step = ([x, y]: readonly Tensor[]): Tensor[] => {
    const loss = meanSquaredError(apply(x), y)
    return [loss, ...gradients(loss, p.trained())]
  }
  const whole = (tensor: Tensor): Tensor => reshape(tensor, shape.slice(1))
  const [loss, ...found] =
    slices === 1
      ? step([whole(images), whole(targets)])
      : sumOverSlices([images, targets], step).map((total) => mul(total, 1 / slices))
  const { updates, initialState } = adam({ parameters: p.trained(), gradients: found }, { rate: 1e-3 })
  const program = { inputs: [images, targets], state: updates, outputs: { loss } }

  const random = new Random(0, 'images')
  const all = random.fillNormal(new Float32Array(sizeOf(shape)))
  const data = { dtype: 'float32', shape, data: sliced(all, slices) } as const
  const session = await openLocalSession(program, {
    threads: 2,
    state: { ...p.initialize(0), ...initialState },
  })
  const times: number[] = []
  let last = NaN
  for (let i = 0; i < STEPS; i++) {
    const start = performance.now()
    const outputs = await session.run({ images: data, targets: data })
    times.push(performance.now() - start)
    last = Number(outputs.loss.data[0])
  }
  await session.close()
  const peak = /VmHWM:\s+(\d+)/.exec(readFileSync('/proc/self/status', 'utf8'))
  return {
    peakMb: Number(peak?.[1]) / 1024,
    ms: times.slice(1).sort((a, b) => a - b)[(STEPS - 1) >> 1],
    loss: last,
  }
}

/** [height, width, batch, 3] as [slices, height, width, batch / slices, 3]. */
function sliced(images: Float32Array, slices: number): Float32Array {
  const [pixels, row] = [SIZE * SIZE, (BATCH / slices) * 3]
  const result = new Float32Array(images.length)
  for (let slice = 0; slice < slices; slice++) {
    for (let pixel = 0; pixel < pixels; pixel++) {
      const from = pixel * BATCH * 3 + slice * row
      result.set(images.subarray(from, from + row), (slice * pixels + pixel) * row)
    }
  }
  return result
}

if (process.argv[2] !== undefined) {
  console.log(JSON.stringify(await measure(Number(process.argv[2]))))
} else {
  console.log('slices | images in a slice | peak MiB | ms a step | loss after the last step')
  for (const slices of [1, 2, 4, 8]) {
    const args = [...process.execArgv, fileURLToPath(import.meta.url), String(slices)]
    const { stdout, stderr, status } = spawnSync(process.execPath, args, { encoding: 'utf8' })
    if (status !== 0) throw new Error(`slices ${slices}: ${stderr}`)
    const { peakMb, ms, loss } = JSON.parse(stdout) as Awaited<ReturnType<typeof measure>>
    console.log([slices, BATCH / slices, Math.round(peakMb), Math.round(ms), loss.toFixed(5)].join(' | '))
  }
}
