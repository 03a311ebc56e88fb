/** Pictures that were made for the page and lie in memory alone: by ids, the latest of them. */
import { createHash } from 'node:crypto'

/** Of a few kilobytes each: a slider's pictures several times over. */
const MOST_PICTURES = 2000

export class KeptPictures {
  readonly #pictures = new Map<string, Uint8Array>()

  /** @returns the id; the same for the same picture */
  keep(picture: Uint8Array): string {
    const id = createHash('sha256').update(picture).digest('base64url').slice(0, 32)
    this.#pictures.delete(id)
    this.#pictures.set(id, picture)
    for (const [oldest] of this.#pictures) {
      if (this.#pictures.size <= MOST_PICTURES) break
      this.#pictures.delete(oldest)
    }
    return id
  }

  /** Undefined for an id that was never given, or is long gone. */
  of(id: string): Uint8Array | undefined {
    return this.#pictures.get(id)
  }
}
