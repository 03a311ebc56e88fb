/**
 * TensorBoard's event files: records of TFRecord (a length, its checksum, the bytes, theirs) that each hold an Event of
 * tensorflow/core/util/event.proto with scalars. Checksums are CRC-32C, rotated and shifted as TFRecord masks them.
 */
import { mkdir, open } from 'node:fs/promises'
import { join } from 'node:path'
import { BinaryWriter, WireType } from '@bufbuild/protobuf/wire'
import type { Callback, Metrics } from './epoch.js'

const CRC_TABLE = Uint32Array.from({ length: 256 }, (_, byte) => {
  let crc = byte
  for (let bit = 0; bit < 8; bit++) crc = crc & 1 ? (crc >>> 1) ^ 0x82f63b78 : crc >>> 1
  return crc
})

function maskedCrc(bytes: Uint8Array): number {
  let crc = 0xffffffff
  for (const byte of bytes) crc = CRC_TABLE[(crc ^ byte) & 0xff] ^ (crc >>> 8)
  crc = (crc ^ 0xffffffff) >>> 0
  return (((crc >>> 15) | (crc << 17)) + 0xa282ead8) >>> 0
}

function record(event: Uint8Array): Uint8Array {
  const bytes = new Uint8Array(event.length + 16)
  const view = new DataView(bytes.buffer)
  view.setBigUint64(0, BigInt(event.length), true)
  view.setUint32(8, maskedCrc(bytes.subarray(0, 8)), true)
  bytes.set(event, 12)
  view.setUint32(12 + event.length, maskedCrc(event), true)
  return bytes
}

/** Event: 1 wall_time, 2 step, 3 file_version, 5 summary; Summary: 1 value; Value: 1 tag, 2 simple_value. */
function event(
  seconds: number,
  step: number,
  content: { version: string } | { scalars: Metrics },
): Uint8Array {
  const writer = new BinaryWriter()
  writer.tag(1, WireType.Bit64).double(seconds)
  if (step > 0) writer.tag(2, WireType.Varint).int64(step)
  if ('version' in content)
    return record(writer.tag(3, WireType.LengthDelimited).string(content.version).finish())
  writer.tag(5, WireType.LengthDelimited).fork()
  for (const [tag, value] of Object.entries(content.scalars)) {
    writer.tag(1, WireType.LengthDelimited).fork()
    writer.tag(1, WireType.LengthDelimited).string(tag)
    writer.tag(2, WireType.Bit32).float(value).join()
  }
  return record(writer.join().finish())
}

/** An open event file. */
export interface EventWriter {
  /** Appends scalars by tag, such as `loss/training`. */
  scalars(step: number, values: Metrics): Promise<void>
  /** Ends the file; nothing can be written after. */
  close(): Promise<void>
}

/**
 * A new event file in a folder, which is made if it is not there; `tensorboard --logdir <folder>` shows it.
 *
 * @param now milliseconds since 1970, the clock's unless said otherwise
 * @throws Error of the file system
 */
export async function openEventFile(folder: string, { now = Date.now } = {}): Promise<EventWriter> {
  await mkdir(folder, { recursive: true })
  const name = `events.out.tfevents.${Math.floor(now() / 1000)}.${process.pid}.${nextFile++}.onnx-autodiff`
  const file = await open(join(folder, name), 'wx')
  await file.writeFile(event(now() / 1000, 0, { version: 'brain.Event:2' }))
  return {
    scalars: (step, values) => file.writeFile(event(now() / 1000, step, { scalars: values })),
    close: () => file.close(),
  }
}

/** Two files of one second and process have names of their own. */
let nextFile = 0

/**
 * A callback that writes the metrics of each epoch (`loss/training`, `loss/validation`) into an event file, by the step
 * they were reached at; with `everyStep`, those of each step too (`loss/step`).
 */
export function tensorBoard(folder: string, { everyStep = false } = {}): Callback {
  let opened: Promise<EventWriter> | undefined
  const write = async (step: number, values: Metrics, kind: string): Promise<void> => {
    opened ??= openEventFile(folder)
    const named = Object.entries(values).map(([name, value]) => [`${name}/${kind}`, value] as const)
    await (await opened).scalars(step, Object.fromEntries(named))
  }
  return {
    ...(everyStep ? { onStep: (step: number, metrics: Metrics) => write(step, metrics, 'step') } : {}),
    async onEpoch({ step, training, validation }) {
      await write(step, training, 'training')
      if (validation) await write(step, validation, 'validation')
    },
    async onEnd() {
      await (await opened)?.close()
    },
  }
}
