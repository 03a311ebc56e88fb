/** Animated PNGs for tests: red, green, blue and opacity, 8 bits each. */
import { crc32, deflateSync } from 'node:zlib'

export interface AnimationFrame {
  readonly width: number
  readonly height: number
  readonly left?: number
  readonly top?: number
  /** 0 stays, 1 is cleared, 2 what was before comes back. */
  readonly dispose?: 0 | 1 | 2
  /** 0 takes the place of what is there, 1 is laid over it. */
  readonly blend?: 0 | 1
  /** Of all its pixels. */
  readonly colour: readonly [red: number, green: number, blue: number, opacity: number]
}

function chunk(type: string, data: Buffer): Buffer {
  const named = Buffer.concat([Buffer.from(type, 'latin1'), data])
  const bytes = Buffer.alloc(12 + data.length)
  bytes.writeUInt32BE(data.length, 0)
  named.copy(bytes, 4)
  bytes.writeUInt32BE(crc32(named), 8 + data.length)
  return bytes
}

const numbers = (...values: number[]): Buffer => {
  const bytes = Buffer.alloc(4 * values.length)
  values.forEach((value, i) => bytes.writeUInt32BE(value, 4 * i))
  return bytes
}

function compressed({ width, height, colour }: AnimationFrame): Buffer {
  const row = [0, ...Array.from({ length: width }, () => colour).flat()]
  return deflateSync(Buffer.from(Array.from({ length: height }, () => row).flat()))
}

/** The first frame, which covers the image, is also the picture that stands still. */
export function animatedPng(...frames: readonly [AnimationFrame, ...AnimationFrame[]]): Buffer {
  let sequence = 0
  const parts = frames.flatMap((frame, i) => {
    const { width, height, left = 0, top = 0, dispose = 0, blend = 0 } = frame
    const delay = numbers((1 << 16) | 10)
    const control = Buffer.concat([
      numbers(sequence++, width, height, left, top),
      delay,
      Buffer.from([dispose, blend]),
    ])
    const data = compressed(frame)
    const pixels = i === 0 ? chunk('IDAT', data) : chunk('fdAT', Buffer.concat([numbers(sequence++), data]))
    return [chunk('fcTL', control), pixels]
  })
  const [{ width, height }] = frames
  return Buffer.concat([
    Buffer.from('\x89PNG\r\n\x1a\n', 'latin1'),
    chunk('IHDR', Buffer.concat([numbers(width, height), Buffer.from([8, 6, 0, 0, 0])])),
    chunk('acTL', numbers(frames.length, 0)),
    ...parts,
    chunk('IEND', Buffer.alloc(0)),
  ])
}
