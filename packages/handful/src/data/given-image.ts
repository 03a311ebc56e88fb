/** Images that are in memory already: the bytes of a file, or pixels. */
import sharp from 'sharp'
import { usageError } from '../errors.js'

/** An image in memory as pixels: grey with 1 channel, red, green and blue with 3. */
export interface PixelImage {
  readonly height: number
  readonly width: number
  readonly channels: 1 | 3
  /** `[height, width, channels]`, 0 to 255. */
  readonly pixels: Uint8Array
}

/** The bytes of an image file, as a Buffer, or pixels. */
export type GivenImage = Uint8Array | PixelImage

/**
 * The bytes of an image file.
 * @param name what the image is called in errors
 * @throws HandfulError (wrong use) for pixels that are not height times width times channels
 */
export async function fileBytes(image: GivenImage, name: string): Promise<Uint8Array> {
  if (image instanceof Uint8Array) return image
  const { height, width, channels, pixels } = image
  const whole = Number.isInteger(height) && Number.isInteger(width) && height > 0 && width > 0
  const bytes = pixels instanceof Uint8Array ? pixels.length : undefined
  if (!whole || ![1, 3].includes(channels) || bytes !== height * width * channels) {
    throw usageError({
      what: 'pixels',
      where: name,
      got: `${bytes ?? 'no'} bytes for ${height} x ${width} x ${channels}`,
      expected: 'a Uint8Array of height x width x channels, with 1 or 3 channels',
    })
  }
  // Without loss, and by one way from here on.
  return sharp(pixels, { raw: { height, width, channels } }).png({ compressionLevel: 1 }).toBuffer()
}
