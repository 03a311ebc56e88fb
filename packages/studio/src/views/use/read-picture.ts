/** Pixels of a file, an address or a canvas. */
import type { Picture } from '../../logic/resample.js'

/** The longer side that is read; models want far less, and phones make far more. */
const LONGEST = 2048

export async function pictureOfBlob(blob: Blob): Promise<Picture> {
  // Turned upright as EXIF says: the browsers' default. Drawings (SVG) have no bitmap but as an image.
  const bitmap = await createImageBitmap(blob).catch(() => undefined)
  if (bitmap === undefined) return drawnPicture(blob)
  const scale = Math.min(1, LONGEST / Math.max(bitmap.width, bitmap.height))
  const canvas = new OffscreenCanvas(Math.round(bitmap.width * scale), Math.round(bitmap.height * scale))
  const context = canvas.getContext('2d')
  if (context === null) throw new Error('this browser draws on no canvas')
  context.imageSmoothingQuality = 'high'
  context.drawImage(bitmap, 0, 0, canvas.width, canvas.height)
  bitmap.close()
  return pictureOf(context)
}

async function drawnPicture(blob: Blob): Promise<Picture> {
  const address = URL.createObjectURL(blob)
  try {
    return await pictureAt(address)
  } catch {
    const name = blob instanceof File ? blob.name : 'the picture'
    throw new Error(`${name}: got no picture that this browser can read, expected a whole JPEG, PNG or WebP`)
  } finally {
    URL.revokeObjectURL(address)
  }
}

export async function pictureAt(address: string): Promise<Picture> {
  const image = new Image()
  image.src = address
  await image.decode()
  const canvas = new OffscreenCanvas(Math.max(1, image.naturalWidth), Math.max(1, image.naturalHeight))
  const context = canvas.getContext('2d')
  if (context === null) throw new Error('this browser draws on no canvas')
  context.drawImage(image, 0, 0)
  return pictureOf(context)
}

export function pictureOf(context: OffscreenCanvasRenderingContext2D | CanvasRenderingContext2D): Picture {
  const { width, height } = context.canvas
  return { width, height, pixels: context.getImageData(0, 0, width, height).data }
}
