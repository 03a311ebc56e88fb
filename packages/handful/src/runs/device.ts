/** The device that a job asks for, looked at before the job has spent any time. */
import { checkDevice as checkPresent, DeviceError } from 'onnx-autodiff'
import { quoted, usageError } from '../errors.js'

/** Those that were found: a command looks before it makes its folder, and its job looks for whoever calls it without one. */
const found = new Set<string>()

/** @throws HandfulError (wrong use) if the engine cannot run there */
export async function checkDevice(device: string): Promise<void> {
  if (found.has(device)) return
  await checkPresent(device).catch((error: unknown) => {
    if (!(error instanceof DeviceError)) throw error
    const { present, reason } = error
    throw usageError({
      what: '--device',
      got: quoted(device),
      expected: `one of ${present.join(', ')}`,
      hint: reason,
    })
  })
  found.add(device)
}
