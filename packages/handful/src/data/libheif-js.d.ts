/** The part of libheif-js that is used here: libheif's own functions (libheif/heif.h) by Emscripten's bindings. */
declare module 'libheif-js/wasm-bundle.js' {
  interface HeifError {
    readonly code: unknown
    readonly message: string
  }
  interface HeifChannel {
    readonly id: unknown
    /** Bytes from one row to the next. */
    readonly stride: number
    readonly width: number
    readonly height: number
    readonly data: Uint8Array
  }
  interface HeifImage {
    readonly image: object
    readonly channels: readonly HeifChannel[]
  }
  const heif: {
    readonly heif_error_code: { readonly heif_error_Ok: unknown }
    readonly heif_channel: { readonly heif_channel_interleaved: unknown }
    readonly heif_colorspace: { readonly heif_colorspace_RGB: unknown }
    readonly heif_chroma: { readonly heif_chroma_interleaved_RGBA: unknown }
    heif_context_alloc(): object
    heif_context_free(context: object): void
    heif_context_read_from_memory(context: object, content: Uint8Array): HeifError
    heif_js_context_get_primary_image_handle(context: object): object | HeifError
    heif_image_handle_get_width(handle: object): number
    heif_image_handle_get_height(handle: object): number
    heif_image_handle_has_alpha_channel(handle: object): number
    heif_image_handle_release(handle: object): void
    heif_js_decode_image2(handle: object, colours: unknown, chroma: unknown): HeifImage | HeifError
    heif_image_release(image: object): void
  }
  export default heif
}
