/** Many small images as one PNG. */
import sharp from 'sharp'
import type { PixelImage } from '../data/given-image.js'

const GAP = 2
const PAPER = 255

/** Rows of `columns` images of one size, `scale` times enlarged without smoothing. */
export async function imageGrid(images: readonly PixelImage[], columns: number, scale = 2): Promise<Buffer> {
  const { height, width, channels } = images[0]
  const across = Math.min(columns, images.length)
  const down = Math.ceil(images.length / across)
  const [totalWidth, totalHeight] = [across * (width + GAP) + GAP, down * (height + GAP) + GAP]
  const sheet = new Uint8Array(totalWidth * totalHeight * channels).fill(PAPER)
  images.forEach(({ pixels }, i) => {
    const left = GAP + (i % across) * (width + GAP)
    const top = GAP + Math.floor(i / across) * (height + GAP)
    for (let row = 0; row < height; row++) {
      const from = row * width * channels
      sheet.set(pixels.subarray(from, from + width * channels), ((top + row) * totalWidth + left) * channels)
    }
  })
  return sharp(sheet, { raw: { width: totalWidth, height: totalHeight, channels } })
    .resize({ width: totalWidth * scale, height: totalHeight * scale, kernel: 'nearest' })
    .png()
    .toBuffer()
}
