/**
 * What strips and tiles of a TIFF file hold once their predictor is undone: differences from the pixel before (predictor 2), or
 * those of the bytes of floats (predictor 3). geotiff.js undoes both as if every file were little-endian.
 *
 * Source: TIFF 6.0, section 14; TIFF Technical Note 3.
 */
import { type BaseDecoder, getDecoder, type GeoTIFFImage } from 'geotiff'

export const DIFFERENCES = 2
export const FLOAT_DIFFERENCES = 3

type Parameters = BaseDecoder['parameters']
type ReadOptions = NonNullable<globalThis.Parameters<GeoTIFFImage['readRasters']>[0]>

/** Decodes strips and tiles for `readRasters`. */
export function decoders(littleEndian: boolean): NonNullable<ReadOptions['pool']> {
  const bindParameters = (compression: number, parameters: Parameters) => ({
    async decode(block: ArrayBuffer): Promise<ArrayBuffer> {
      const decoder = await getDecoder(compression, { ...parameters, predictor: 1 })
      const decoded = new Uint8Array((await decoder.decode(block)) as ArrayBuffer)
      undoPredictor(decoded, parameters, littleEndian)
      return decoded.buffer
    },
  })
  // Of a pool `readRasters` uses this method alone.
  return { bindParameters } as unknown as NonNullable<ReadOptions['pool']>
}

/** In place; numbers stay in the byte order of the file. */
function undoPredictor(block: Uint8Array<ArrayBuffer>, parameters: Parameters, littleEndian: boolean): void {
  const { predictor, tileWidth, planarConfiguration, bitsPerSample } = parameters
  if (predictor === 1) return
  const bits = typeof bitsPerSample === 'number' ? [bitsPerSample] : Array.from(bitsPerSample)
  const bytes = bits[0] / 8
  if (!Number.isInteger(bytes) || bits.some((each) => each !== bits[0]))
    throw new Error(`a predictor for ${bits.join(', ')} bits`)
  const stride = planarConfiguration === 2 ? 1 : bits.length
  const rowBytes = tileWidth * stride * bytes
  for (let start = 0; start + rowBytes <= block.length; start += rowBytes) {
    const row = block.subarray(start, start + rowBytes)
    if (predictor === FLOAT_DIFFERENCES) undoFloatDifferences(row, stride, bytes, littleEndian)
    else if (predictor === DIFFERENCES) undoDifferences(row, stride, bytes, littleEndian)
    else throw new Error(`predictor ${predictor}`)
  }
}

/** Each number becomes its sum with the one of the pixel before, byte by byte with a carry. */
function undoDifferences(row: Uint8Array, stride: number, bytes: number, littleEndian: boolean): void {
  for (let at = stride * bytes; at < row.length; at += bytes) {
    let carry = 0
    for (let b = 0; b < bytes; b++) {
      const place = at + (littleEndian ? b : bytes - 1 - b)
      const sum = row[place] + row[place - stride * bytes] + carry
      row[place] = sum
      carry = sum >> 8
    }
  }
}

/** The row holds the first bytes of all numbers, then the second: the most significant first, whatever the file's order. */
function undoFloatDifferences(row: Uint8Array, stride: number, bytes: number, littleEndian: boolean): void {
  for (let at = stride; at < row.length; at++) row[at] += row[at - stride]
  const planes = row.slice()
  const numbers = row.length / bytes
  for (let i = 0; i < numbers; i++) {
    for (let b = 0; b < bytes; b++)
      row[i * bytes + (littleEndian ? bytes - 1 - b : b)] = planes[b * numbers + i]
  }
}
