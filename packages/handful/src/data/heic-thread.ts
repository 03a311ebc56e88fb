/** A thread of its own that decodes HEIC files, one after another: a photograph of 12 megapixels takes about a second. */
import { parentPort } from 'node:worker_threads'
import heif from 'libheif-js/wasm-bundle.js'
import type { HeicImage, HeicReply, HeicRequest } from './heic-messages.js'

parentPort?.on('message', ({ id, content, most }: HeicRequest) => {
  const reply = answer(id, content, most)
  const moved = 'pixels' in reply && reply.pixels !== undefined ? [reply.pixels.buffer] : []
  parentPort?.postMessage(reply, moved)
})

function answer(id: number, content: Uint8Array, most: number): HeicReply {
  try {
    return { id, ...decode(content, most) }
  } catch (error) {
    return { id, error: error instanceof Error ? error.message : String(error) }
  }
}

/** The primary image, turned and cut as the file says. */
function decode(content: Uint8Array, most: number): HeicImage {
  const context = heif.heif_context_alloc()
  try {
    const { code, message } = heif.heif_context_read_from_memory(context, content)
    if (code !== heif.heif_error_code.heif_error_Ok) throw new Error(message)
    const handle = heif.heif_js_context_get_primary_image_handle(context)
    if ('code' in handle) throw new Error(handle.message)
    try {
      const [width, height] = [
        heif.heif_image_handle_get_width(handle),
        heif.heif_image_handle_get_height(handle),
      ]
      const alpha = heif.heif_image_handle_has_alpha_channel(handle) !== 0
      return width * height > most
        ? { width, height, alpha }
        : { width, height, alpha, pixels: pixelsOf(handle) }
    } finally {
      heif.heif_image_handle_release(handle)
    }
  } finally {
    heif.heif_context_free(context)
  }
}

function pixelsOf(handle: object): Uint8Array<ArrayBuffer> {
  const decoded = heif.heif_js_decode_image2(
    handle,
    heif.heif_colorspace.heif_colorspace_RGB,
    heif.heif_chroma.heif_chroma_interleaved_RGBA,
  )
  if (!('channels' in decoded)) throw new Error(decoded.message)
  try {
    const channel = decoded.channels.find(({ id }) => id === heif.heif_channel.heif_channel_interleaved)
    if (channel === undefined) throw new Error('no colours')
    const { width, height, stride, data } = channel
    const pixels = new Uint8Array(4 * width * height)
    for (let y = 0; y < height; y++)
      pixels.set(data.subarray(y * stride, y * stride + 4 * width), 4 * y * width)
    return pixels
  } finally {
    heif.heif_image_release(decoded.image)
  }
}
