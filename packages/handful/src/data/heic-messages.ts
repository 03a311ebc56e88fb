/** What a thread that decodes HEIC files is asked, and what it answers. */
export interface HeicRequest {
  readonly id: number
  readonly content: Uint8Array
  /** Images of more pixels are not decoded. */
  readonly most: number
}

export interface HeicImage {
  /** Upright, in pixels. */
  readonly width: number
  readonly height: number
  /** Whether its pixels have a fourth number that says how opaque they are. */
  readonly alpha: boolean
  /** `[height, width, 4]`; none of an image that has more than it may. */
  readonly pixels?: Uint8Array<ArrayBuffer>
}

export type HeicReply = { readonly id: number } & (HeicImage | { readonly error: string })
