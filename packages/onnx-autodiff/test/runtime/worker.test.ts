/** What only a session in its own thread has to keep: a free caller, handed-over arrays, a process that can end. */

import { execFile } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { expect, test } from 'vitest'
import { openSession } from '../../src/runtime/node.js'
import { floats, node, program, square } from './programs.js'

const size = 700
const spec = { dtype: 'float32', shape: [size, size] } as const
/** Eight products of 700 x 700 matrices: tens of milliseconds. */
const slow = program(
  { inputs: { x: spec }, outputs: { y: spec }, state: {} },
  Array.from({ length: 8 }, (_, i) =>
    node('MatMul', [i === 0 ? 'x' : `y${i}`, 'x'], i === 7 ? 'y' : `y${i + 1}`),
  ),
)
const matrix = () => ({ ...spec, data: new Float32Array(size * size) })

test('the calling thread goes on while a run is under way', async () => {
  const session = await openSession(slow, { threads: 1 })
  let ticks = 0
  const timer = setInterval(() => ticks++, 1)
  for (let i = 0; i < 3; i++) await session.run({ x: matrix() })
  clearInterval(timer)
  await session.close()
  expect(ticks).toBeGreaterThan(2)
})

test('arrays given to a run are handed over, and using one again says so', async () => {
  const session = await openSession(square)
  const x = floats([1, 2])
  await session.run({ x })
  expect(x.data.length).toBe(0)
  await expect(session.run({ x })).rejects.toThrow(
    '"x" of inputs (session.run): got 0 elements, expected 2 for shape [2]; an array that a run was given cannot be used again',
  )
  await session.close()
})

const runtime = fileURLToPath(new URL('../../dist/runtime/node.js', import.meta.url))

/** Runs a script against the built package in a process of its own; rejects if it fails or does not end by itself. */
async function script(body: string, { model, inputs, outputs } = square): Promise<string> {
  const source = `
    import { openSession } from ${JSON.stringify(runtime)}
    const model = Buffer.from('${Buffer.from(model).toString('base64')}', 'base64')
    const program = { model, inputs: ${JSON.stringify(inputs)}, outputs: ${JSON.stringify(outputs)}, state: {} }
    const spec = program.inputs.x
    const x = () => ({ dtype: 'float32', shape: [2], data: Float32Array.of(2, 3) })
    ${body}`
  const { stdout, stderr } = await promisify(execFile)(
    process.execPath,
    ['--input-type=module', '--eval', source],
    { timeout: 20_000 },
  )
  return stdout + stderr
}

test('a process ends by itself after a session is closed, and with one left open', async () => {
  const output = await Promise.all([
    script(`const session = await openSession(program)
      console.log((await session.run({ x: x() })).y.data.join())
      await session.close()`),
    script(`const session = await openSession(program)
      console.log((await session.run({ x: x() })).y.data.join())`),
    script(`const session = await openSession(program)
      session.run({ x: x() }).then(({ y }) => console.log(y.data.join()))`),
  ])
  expect(output).toEqual(['4,9\n', '4,9\n', '4,9\n'])
})

test('a process that exits, or fails, in the middle of a run does so with its own code', async () => {
  const during = (what: string) =>
    script(
      `const session = await openSession(program, { threads: 1 })
       void session.run({ x: { ...spec, data: new Float32Array(spec.shape[0] ** 2) } })
       setTimeout(() => { ${what} }, 20)`,
      slow,
    ).catch((error: { code: unknown; stderr: string }) => ({ code: error.code, stderr: error.stderr }))
  expect(await during('process.exit(130)')).toEqual({ code: 130, stderr: '' })
  expect(await during("throw new Error('of the caller')")).toMatchObject({
    code: 1,
    stderr: expect.stringContaining('Error: of the caller') as string,
  })
})

test('a thread that fails under a session rejects what was under way and what comes after', async () => {
  // A message that no session sends makes the thread fail as an exhausted heap would: outside any call.
  const output = await script(`
    import { Worker } from 'node:worker_threads'
    let worker
    const post = Worker.prototype.postMessage
    Worker.prototype.postMessage = function (...args) { worker = this; return post.apply(this, args) }
    const session = await openSession(program)
    worker.postMessage(null)
    await session.run({ x: x() }).catch((error) => console.log(error.message))
    await session.run({ x: x() }).catch((error) => console.log(error.message))
    await session.close()`)
  expect(output).toMatch(/^session: its thread failed: [^\n]+\nrun \(session\): its thread failed: [^\n]+\n$/)
})
