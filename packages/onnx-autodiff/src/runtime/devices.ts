/** Which devices onnxruntime can run on here, and how many threads this process may use. */

import { readFileSync } from 'node:fs'
import { availableParallelism } from 'node:os'
import ort from 'onnxruntime-node'
import type { InferenceSession } from 'onnxruntime-node'
import { encodeModel } from '../onnx/writer.js'

// onnxruntime reads this once, when the first session opens. Its failures come back as exceptions, and a device that is
// only being tried must not fill the terminal with its loader's complaints.
ort.env.logLevel = 'fatal'

/** y = x * x, the smallest program that a device has to run. */
const PROBE = encodeModel({
  graph: {
    name: 'probe',
    nodes: [{ op: 'Mul', domain: '', name: '', inputs: ['x', 'x'], outputs: ['y'], attributes: {} }],
    initializers: [],
    inputs: [{ name: 'x', dtype: 'float32', shape: [1] }],
    outputs: [{ name: 'y', dtype: 'float32', shape: [1] }],
  },
  opsets: { '': 21 },
  irVersion: 10,
  producer: '',
  metadata: {},
})

/**
 * The devices present: `cpu`, then each of those that this onnxruntime was built for (`webgpu`, `cuda`, `dml`, ...) and
 * that a small program runs on. Takes up to a second where graphics drivers have to start.
 */
export async function listDevices(): Promise<string[]> {
  const devices = ['cpu']
  for (const { name } of ort.listSupportedBackends()) {
    if (name !== 'cpu' && (await deviceProblem(name)) === undefined) devices.push(name)
  }
  return devices
}

async function deviceProblem(device: string): Promise<string | undefined> {
  try {
    const session = await ort.InferenceSession.create(PROBE, { executionProviders: [device] })
    await session.release()
    return undefined
  } catch (error) {
    return runtimeMessage(error)
  }
}

/**
 * Throws unless `device` is present.
 *
 * @throws Error `device (session): got "cuda", expected one of cpu; <why it could not be used>`
 */
export async function checkDevice(device: string): Promise<void> {
  if (device === 'cpu') return
  const built = ort.listSupportedBackends().some(({ name }) => name === device)
  const problem = built
    ? await deviceProblem(device)
    : `onnxruntime-node on ${process.platform} does not know it`
  if (problem === undefined) return
  const present = await listDevices()
  throw new Error(
    `device (session): got ${JSON.stringify(device)}, expected one of ${present.join(', ')}; ${problem}`,
  )
}

/** onnxruntime's options for a device: what the device cannot run falls back to the CPU. */
export function executionProviders(device: string): InferenceSession.ExecutionProviderConfig[] {
  return device === 'cpu' ? ['cpu'] : [device, 'cpu']
}

/**
 * Cores this process may use: what the scheduler allows, and inside a container no more than its CPU quota, which Node 20
 * does not know of (threads over the quota make each other wait).
 */
export function availableThreads(): number {
  return Math.max(1, Math.min(availableParallelism(), Math.floor(cpuQuota())))
}

/** Control group version 2: `<quota> <period>` in microseconds, or `max <period>`. */
function cpuQuota(): number {
  try {
    const [quota, period] = readFileSync('/sys/fs/cgroup/cpu.max', 'utf8').trim().split(' ').map(Number)
    return quota > 0 && period > 0 ? quota / period : Infinity
  } catch {
    return Infinity
  }
}

/** onnxruntime's message as one line, without the C++ source position it may start with. */
export function runtimeMessage(error: unknown): string {
  const text = error instanceof Error ? error.message : String(error)
  return text
    .replace(/^\/\S+:\d+ .*? was false\. /, '')
    .replace(/\s+/g, ' ')
    .trim()
}
