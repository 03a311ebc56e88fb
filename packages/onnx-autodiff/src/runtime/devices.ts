/** Which devices onnxruntime can run on here. */

import { ort } from './onnxruntime.js'
import { IR_VERSION, OPSET } from '../onnx/versions.js'
import { encodeModel } from '../onnx/writer.js'
import type { Backend } from './backends/backend.js'
import { backends } from './backends/registry.js'

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
  opsets: { '': OPSET },
  irVersion: IR_VERSION,
  producer: '',
  metadata: {},
})

/** Asked for a device that is not there. */
export class DeviceError extends Error {
  override readonly name = 'DeviceError'

  /** @param present the devices that are there @param reason why this one could not be used */
  constructor(
    readonly device: string,
    readonly present: readonly string[],
    readonly reason: string,
  ) {
    super(`device (session): got ${JSON.stringify(device)}, expected one of ${present.join(', ')}; ${reason}`)
  }
}

/**
 * The devices present: `cpu`, then each of those that this onnxruntime was built for (`webgpu`, `cuda`, `dml`, ...) and
 * that a small program runs on. Takes up to a second where graphics drivers have to start.
 */
export const listDevices = (): Promise<string[]> => presentDevices()

/** @param absent was looked for already: a device that is not there can take seconds to say so */
async function presentDevices(absent?: Backend): Promise<string[]> {
  const present: string[] = []
  for (const backend of backends) {
    if (backend !== absent && (await deviceProblem(backend)) === undefined) present.push(backend.name)
  }
  return present
}

async function deviceProblem({ executionProviders: [provider] }: Backend): Promise<string | undefined> {
  if (provider === 'cpu') return undefined
  if (!ort.listSupportedBackends().some((each) => each.name === provider)) return unknown()
  try {
    const session = await ort.InferenceSession.create(PROBE, { executionProviders: [provider] })
    await session.release()
    return undefined
  } catch (error) {
    return runtimeMessage(error)
  }
}

const unknown = (): string => `onnxruntime-node on ${process.platform} does not know it`

/** The backend of a device, whether or not it is there. @throws DeviceError if nothing has that name */
export async function backendOf(device: string | Backend): Promise<Backend> {
  if (typeof device !== 'string') return device
  const backend = backends.find(({ name }) => name === device)
  if (backend) return backend
  throw new DeviceError(device, await listDevices(), unknown())
}

/** Refuses a device that is not there. @throws DeviceError with the devices that are there, and why this one is not */
export async function checkDevice(device: string | Backend): Promise<void> {
  const backend = await backendOf(device)
  const problem = await deviceProblem(backend)
  if (problem !== undefined) throw new DeviceError(backend.name, await presentDevices(backend), problem)
}

/** onnxruntime's message as one line, without the C++ source position it may start with. */
export function runtimeMessage(error: unknown): string {
  const text = error instanceof Error ? error.message : String(error)
  return text
    .replace(/^\/\S+:\d+ .*? was false\. /, '')
    .replace(/\s+/g, ' ')
    .trim()
}
