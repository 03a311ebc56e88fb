/** Pixels as small pictures inside a page: PNG in a data URI. */
import sharp from 'sharp'
import type { PixelImage } from '../data/given-image.js'

/** Longest side in pixels; larger images are scaled down. */
const LONGEST_SIDE = 96

/** A PNG data URI of an image, at its own size or scaled down to 96 pixels. */
export async function thumbnail(image: PixelImage): Promise<string> {
  const { height, width, channels, pixels } = image
  if (pixels.length !== height * width * channels) {
    throw new RangeError(
      `internal: thumbnail: got ${pixels.length} bytes, expected ${height} x ${width} x ${channels}`,
    )
  }
  let picture = sharp(pixels, { raw: { height, width, channels } })
  if (Math.max(height, width) > LONGEST_SIDE) {
    picture = picture.resize({ width: LONGEST_SIDE, height: LONGEST_SIDE, fit: 'inside' })
  }
  const png = await picture.png({ compressionLevel: 9, palette: false }).toBuffer()
  return `data:image/png;base64,${png.toString('base64')}`
}
