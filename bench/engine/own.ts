/**
 * The engine's side of the comparison, with the protocol of rival.py: one JSON line out for each line in.
 * Usage: own.ts <vae|unet|resnet18> [--profile prefix]
 */
import { readFileSync } from 'node:fs'
import { createInterface } from 'node:readline'
import { openLocalSession } from 'onnx-autodiff'
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
  // The same batch for every step, as PyTorch has it; several steps a run, as training takes them: a step's time is its share.
  let loss = NaN
  let started = performance.now()
  for await (const outputs of session.advance({ from: 0, to: Number(count), draw: () => inputs })) {
    const now = performance.now()
    for (const each of outputs) {
      ms.push((now - started) / outputs.length)
      loss = Number(each.loss.data[0])
    }
    started = now
  }
  answer({ ms, loss, peak_mb: peakMegabytes() })
}
await session.close()
