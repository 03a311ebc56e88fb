/** A training run that was stopped and resumed equals one that was not, bit for bit. */

import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { z } from 'zod'
import { Random } from '../../src/random.js'
import { loadCheckpoint, saveCheckpoint } from '../../src/runtime/checkpoint.js'
import { openSession } from '../../src/runtime/node.js'
import type { Arrays } from 'onnx-autodiff'
import { floats, linearDescent } from './programs.js'

const rows = 64
const weights = 33
const target = new Random(1, 'target').fillNormal(new Float32Array(weights))
const zeros = () => floats(new Array<number>(weights).fill(0), [weights, 1])

const savedSchema = z.object({
  step: z.number(),
  random: z.object({ seed: z.number(), name: z.string(), position: z.number() }),
})

/** A batch of a noisy linear relation, drawn from a stream whose position has to survive too. */
function batch(random: Random): Arrays {
  const x = random.fillNormal(new Float32Array(rows * weights))
  const t = new Float32Array(rows)
  for (let row = 0; row < rows; row++) {
    for (let i = 0; i < weights; i++) t[row] += x[row * weights + i] * target[i]
    t[row] += 0.1 * random.normal()
  }
  return {
    x: { dtype: 'float32', shape: [rows, weights], data: x },
    t: { dtype: 'float32', shape: [rows, 1], data: t },
  }
}

/** Trains up to step `last`, from the folder's checkpoint if there is one, and leaves one there. */
async function train(folder: string, last: number): Promise<{ losses: number[]; state: Arrays }> {
  const checkpoint = await loadCheckpoint(folder)
  const saved = checkpoint && savedSchema.parse(checkpoint.json)
  const random = saved ? Random.from(saved.random) : new Random(7, 'batches')
  const state = checkpoint?.arrays ?? { w: zeros(), v: zeros() }
  const session = await openSession(linearDescent(rows, weights), { state, threads: 2 })
  const losses: number[] = []
  let step = saved?.step ?? 0
  for (; step < last; step++) losses.push(Number((await session.run(batch(random))).loss.data[0]))
  const final = await session.readState()
  await session.close()
  await saveCheckpoint(folder, { arrays: final, json: { step, random: random.state } })
  return { losses, state: final }
}

test('stopped twice and resumed, the losses and every bit of the state are those of one run', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'resume-'))
  try {
    const whole = await train(join(folder, 'whole'), 30)
    const parts = [
      await train(join(folder, 'parts'), 7),
      await train(join(folder, 'parts'), 19),
      await train(join(folder, 'parts'), 30),
    ]
    expect(parts.flatMap(({ losses }) => losses)).toEqual(whole.losses)
    expect(bits(parts[2].state)).toEqual(bits(whole.state))
    expect(whole.losses.at(-1)).toBeLessThan(whole.losses[0] / 5)
  } finally {
    await rm(folder, { recursive: true })
  }
})

/** The bytes themselves: a comparison of numbers would take -0 for 0. */
function bits(arrays: Arrays): Record<string, Uint8Array> {
  return Object.fromEntries(
    Object.entries(arrays).map(([name, { data }]) => [name, new Uint8Array(data.buffer)]),
  )
}
