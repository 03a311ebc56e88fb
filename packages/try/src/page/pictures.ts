/** Pictures from files, as pixels. */
import type { Picture } from './square.js'

/** Larger ones are brought to so many pixels a side first: more than any model sees. */
const LONGEST_SIDE = 2048

/** @throws Error for what the browser does not read */
export async function pictureOfFile(file: Blob): Promise<Picture> {
  // Upright as EXIF says, which is what browsers do unless told otherwise.
  const bitmap = await createImageBitmap(file).catch(() => {
    throw new Error('not an image that this browser reads')
  })
  const scale = Math.min(1, LONGEST_SIDE / Math.max(bitmap.width, bitmap.height))
  const width = Math.max(1, Math.round(bitmap.width * scale))
  const height = Math.max(1, Math.round(bitmap.height * scale))
  const canvas = new OffscreenCanvas(width, height)
  const context = canvas.getContext('2d')
  if (context === null) throw new Error('internal: no canvas')
  context.imageSmoothingQuality = 'high'
  context.drawImage(bitmap, 0, 0, width, height)
  bitmap.close()
  return context.getImageData(0, 0, width, height)
}
