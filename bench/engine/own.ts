/**
 * The engine's side of the comparison, with the protocol of rival.py: one JSON line out for each line in.
 * Usage: own.ts <vae|unet|resnet18> [--profile prefix]
 */
import { readFileSync } from 'node:fs'
import { createInterface } from 'node:readline'
import { type NamedArray, openLocalSession } from 'onnx-autodiff'
import * as models from './models.js'

const [name, , profile] = process.argv.slice(2)
if (name !== 'vae' && name !== 'unet' && name !== 'resnet18')
  throw new Error(`model: got ${name}, expected vae, unet or resnet18`)

const answer = (content: object): void => console.log(JSON.stringify(content))

/** Most memory ever resident, MiB (not what the parent had: see rival.py). */
function peakMegabytes(): number {
  const line = /VmHWM:\s+(\d+)/.exec(readFileSync('/proc/self/status', 'utf8'))
  return Number(line?.[1] ?? 0) / 1024
}

/** The same batch for every step, as PyTorch has it. */
function repeated({ dtype, shape, data }: NamedArray, times: number): NamedArray {
  const all = new (data.constructor as new (length: number) => NamedArray['data'])(data.length * times)
  for (let i = 0; i < times; i++) all.set(data as never, i * data.length)
  return { dtype, shape: [times, ...shape], data: all }
}

const started = performance.now()
const { program, state, inputs, parameters } = models[name]()
const built = performance.now()
const session = await openLocalSession(program, { threads: 2, state, profile })
answer({
  model: name,
  engine: 'onnx-autodiff',
  parameters,
  build_ms: built - started,
  load_ms: performance.now() - built,
})
for await (const line of createInterface({ input: process.stdin })) {
  const [command, count] = line.split(' ')
  if (command === 'quit') break
  const ms: number[] = []
  // All steps asked for in one run, as training takes them; a step's time is its share.
  const steps = Number(count)
  const stacked = Object.fromEntries(
    Object.entries(inputs).map(([key, array]) => [key, repeated(array, steps)]),
  )
  const start = performance.now()
  const outputs = await session.run(stacked)
  for (let i = 0; i < steps; i++) ms.push((performance.now() - start) / steps)
  answer({ ms, loss: Number(outputs.loss.data[steps - 1]), peak_mb: peakMegabytes() })
}
await session.close()
