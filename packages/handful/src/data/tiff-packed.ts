/**
 * Pixels of TIFF files whose numbers do not fill bytes, such as 10 or 12 bits: they stand bit behind bit, the highest first, in
 * rows that begin with a byte (TIFF 6.0, section 8). geotiff.js takes them apart for one channel alone.
 */
import { getDecoder, type GeoTIFFImage } from 'geotiff'

/** Numbers that do not fill bytes. */
export const isPacked = (bits: number): boolean => bits % 8 !== 0

/** Where strips or tiles stand in a file. */
export interface Blocks {
  readonly starts: readonly number[]
  readonly lengths: readonly number[]
}

export interface PackedForm {
  readonly bits: number
  readonly signed: boolean
  readonly channels: number
  readonly compression: number
}

/** `[height, width, picked]`. @throws Error for pixels that are cut */
export async function packedPixels(
  content: Buffer,
  image: GeoTIFFImage,
  { starts, lengths }: Blocks,
  form: PackedForm,
  picked: readonly number[],
): Promise<Uint16Array | Int32Array> {
  const [width, height] = [image.getWidth(), image.getHeight()]
  const [tileWidth, tileHeight] = [image.getTileWidth(), image.getTileHeight()]
  const [across, down] = [Math.ceil(width / tileWidth), Math.ceil(height / tileHeight)]
  const separate = image.planarConfiguration === 2
  const stored = separate ? 1 : form.channels
  const rowBytes = Math.ceil((tileWidth * stored * form.bits) / 8)
  const decoder = await getDecoder(form.compression, {
    tileWidth,
    tileHeight,
    predictor: 1,
    bitsPerSample: form.bits,
    planarConfiguration: separate ? 2 : 1,
    samplesPerPixel: form.channels,
  })
  const pixels = new (form.signed || form.bits > 16 ? Int32Array : Uint16Array)(
    width * height * picked.length,
  )
  for (let block = 0; block < across * down * (separate ? form.channels : 1); block++) {
    const plane = Math.floor(block / (across * down))
    const wanted = separate ? (picked.includes(plane) ? [0] : []) : picked
    if (wanted.length === 0) continue
    const [left, top] = [(block % across) * tileWidth, (Math.floor(block / across) % down) * tileHeight]
    const rows = Math.min(tileHeight, height - top)
    const own = new Uint8Array(content.subarray(starts[block], starts[block] + lengths[block]))
    const bytes = new Uint8Array((await decoder.decode(own.buffer)) as ArrayBuffer)
    if (bytes.length < rows * rowBytes) throw new Error('too few pixels')
    for (let y = 0; y < rows; y++) {
      for (let x = 0; x < Math.min(tileWidth, width - left); x++) {
        wanted.forEach((channel, i) => {
          const value = numberAt(bytes, 8 * y * rowBytes + (x * stored + channel) * form.bits, form)
          const to = ((top + y) * width + left + x) * picked.length
          if (!separate) pixels[to + i] = value
          else picked.forEach((each, place) => each === plane && (pixels[to + place] = value))
        })
      }
    }
  }
  return pixels
}

function numberAt(bytes: Uint8Array, bit: number, { bits, signed }: PackedForm): number {
  let value = 0
  for (let done = 0; done < bits;) {
    const at = bit + done
    const taken = Math.min(8 - (at % 8), bits - done)
    const part = (bytes[at >> 3] >> (8 - (at % 8) - taken)) & (2 ** taken - 1)
    value = value * 2 ** taken + part
    done += taken
  }
  return signed && value >= 2 ** (bits - 1) ? value - 2 ** bits : value
}
