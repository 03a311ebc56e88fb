/** The device that a job asks for, looked at before the job has spent any time. */
import { listDevices } from 'onnx-autodiff'
import { quoted, usageError } from '../errors.js'

/** @throws HandfulError (wrong use) if the engine cannot run there */
export async function checkDevice(device: string): Promise<void> {
  if (device === 'cpu') return
  const present = await listDevices()
  if (present.includes(device)) return
  throw usageError({ what: '--device', got: quoted(device), expected: `one of ${present.join(', ')}` })
}
