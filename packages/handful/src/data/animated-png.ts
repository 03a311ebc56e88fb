/**
 * Frames of animated PNGs (APNG), which sharp sees the still picture of alone. A frame is decoded as a PNG of its own, made
 * of its data and the chunks that all of them share, and laid on what the frames before it left.
 *
 * Source: PNG specification, third edition (W3C 2025), 11.3.6 and 13.
 */
import { crc32 } from 'node:zlib'
import sharp from 'sharp'

interface Chunk {
  readonly type: string
  readonly data: Buffer
}

interface Frame {
  readonly width: number
  readonly height: number
  readonly left: number
  readonly top: number
  /** What its place becomes once it was shown. */
  readonly dispose: 'keep' | 'clear' | 'before'
  /** Whether it is laid over what is there, or takes its place. */
  readonly over: boolean
  /** Compressed pixels. */
  readonly data: Buffer[]
}

interface Animation {
  readonly header: Buffer
  /** Palette, transparency, colour profile: what every frame is decoded with. */
  readonly shared: readonly Chunk[]
  readonly frames: readonly Frame[]
  /** How many there should be. */
  readonly announced: number
}

export const PNG_SIGNATURE = Buffer.from([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a])
const DISPOSALS = ['keep', 'clear', 'before'] as const
/** A chunk's length, type and checksum. */
const AROUND = 12

/**
 * How many frames a PNG has: 1 for a picture that stands still. Where it announces more than are there, one of those counts, so
 * that it is told.
 */
export function animatedFrames(png: Buffer): number {
  const { frames = [], announced = 0 } = animation(png) ?? {}
  return Math.max(1, frames.length + (announced > frames.length ? 1 : 0))
}

/**
 * A frame of an animated PNG as a PNG of its own, of the whole animation's size; other PNGs as they are.
 *
 * @param index from 0
 * @throws Error if a frame's data or place is damaged, or missing
 */
export async function frameAsPng(png: Buffer, index: number): Promise<Buffer> {
  const found = animation(png)
  if (found === undefined) return png
  if (index >= found.frames.length) throw new Error('a frame is missing')
  const { header, frames } = found
  const [width, height] = [header.readUInt32BE(0), header.readUInt32BE(4)]
  const canvas = Buffer.alloc(width * height * 4)
  const whole = (frame: Frame): boolean => !frame.over && frame.width === width && frame.height === height
  // What is hidden by a frame that covers everything need not be drawn.
  const first = frames
    .slice(0, index + 1)
    .findLastIndex((frame) => whole(frame) && frame.dispose !== 'before')
  for (let i = Math.max(0, first); i <= index; i++) {
    const frame = frames[i]
    if (frame.left + frame.width > width || frame.top + frame.height > height)
      throw new Error('a frame reaches beyond the image')
    const before = frame.dispose === 'before' && i < index ? Buffer.from(canvas) : undefined
    lay(await pixelsOf(found, frame), frame, canvas, width)
    if (i === index) break
    if (before !== undefined) before.copy(canvas)
    else if (frame.dispose === 'clear') clear(frame, canvas, width)
  }
  return sharp(canvas, { raw: { width, height, channels: 4 } })
    .png({ compressionLevel: 1 })
    .toBuffer()
}

function animation(png: Buffer): Animation | undefined {
  const frames: Frame[] = []
  const shared: Chunk[] = []
  let header: Buffer | undefined
  let announced: number | undefined
  for (const { type, data } of chunksOf(png)) {
    const last = frames.at(-1)
    if (type === 'IHDR' && data.length === 13) header = data
    else if (type === 'acTL' && data.length === 8) announced = data.readUInt32BE(0)
    else if (type === 'fcTL' && data.length === 26) frames.push(frameOf(data))
    else if (type === 'IDAT') last?.data.push(data)
    else if (type === 'fdAT') last?.data.push(data.subarray(4))
    else if (frames.length <= 1 && (last?.data.length ?? 0) === 0) shared.push({ type, data })
  }
  const drawn = frames.filter(({ data }) => data.length > 0)
  if (announced === undefined || header === undefined || drawn.length === 0) return undefined
  return { header, shared, frames: drawn, announced }
}

/** Up to where the file ends or is damaged. */
function* chunksOf(png: Buffer): Generator<Chunk> {
  for (let at = PNG_SIGNATURE.length; at + AROUND <= png.length;) {
    const length = png.readUInt32BE(at)
    if (at + AROUND + length > png.length) return
    yield { type: png.toString('latin1', at + 4, at + 8), data: png.subarray(at + 8, at + 8 + length) }
    at += AROUND + length
  }
}

const frameOf = (control: Buffer): Frame => ({
  width: control.readUInt32BE(4),
  height: control.readUInt32BE(8),
  left: control.readUInt32BE(12),
  top: control.readUInt32BE(16),
  dispose: DISPOSALS[control[24]] ?? 'keep',
  over: control[25] === 1,
  data: [],
})

/** `[height, width, 4]`. */
async function pixelsOf({ header, shared }: Animation, { width, height, data }: Frame): Promise<Buffer> {
  const own = Buffer.from(header)
  own.writeUInt32BE(width, 0)
  own.writeUInt32BE(height, 4)
  const chunks = [
    { type: 'IHDR', data: own },
    ...shared,
    ...data.map((each) => ({ type: 'IDAT', data: each })),
    { type: 'IEND', data: Buffer.alloc(0) },
  ]
  const png = Buffer.concat([PNG_SIGNATURE, ...chunks.map(chunkBytes)])
  return sharp(png, { limitInputPixels: false }).toColourspace('srgb').ensureAlpha().raw().toBuffer()
}

/** A chunk with its length and checksum. */
export function chunkBytes({ type, data }: Chunk): Buffer {
  const named = Buffer.concat([Buffer.from(type, 'latin1'), data])
  const bytes = Buffer.alloc(AROUND + data.length)
  bytes.writeUInt32BE(data.length, 0)
  named.copy(bytes, 4)
  bytes.writeUInt32BE(crc32(named), 8 + data.length)
  return bytes
}

/** Each row of a frame's place on the canvas: where it begins, in bytes, and its number. */
function* rowsOf({ left, top, height }: Frame, width: number): Generator<[start: number, row: number]> {
  for (let row = 0; row < height; row++) yield [((top + row) * width + left) * 4, row]
}

function clear(frame: Frame, canvas: Buffer, width: number): void {
  for (const [start] of rowsOf(frame, width)) canvas.fill(0, start, start + frame.width * 4)
}

function lay(pixels: Buffer, frame: Frame, canvas: Buffer, width: number): void {
  for (const [start, row] of rowsOf(frame, width)) {
    const own = pixels.subarray(row * frame.width * 4, (row + 1) * frame.width * 4)
    if (frame.over) layOver(own, canvas.subarray(start, start + own.length))
    else own.copy(canvas, start)
  }
}

/** Colours by their opacity over others, not premultiplied. */
function layOver(above: Buffer, below: Buffer): void {
  for (let at = 0; at < above.length; at += 4) {
    const share = above[at + 3] / 255
    const rest = (below[at + 3] / 255) * (1 - share)
    const opacity = share + rest
    if (opacity === 0) continue
    for (let c = 0; c < 3; c++)
      below[at + c] = Math.round((above[at + c] * share + below[at + c] * rest) / opacity)
    below[at + 3] = Math.round(255 * opacity)
  }
}
