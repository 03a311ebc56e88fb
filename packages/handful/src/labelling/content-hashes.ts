/**
 * What the files of labelled images hold, for a label to be told from one of another image that took its name. Of a few images
 * it is found before their labels are written; of many it follows, since reading them would keep the person waiting.
 */
import path from 'node:path'
import { fileSha256 } from '../files/file-hash.js'
import type { Decision, Journal } from '../labels/journal.js'

/** Images of one step whose files are read first. */
const AT_ONCE = 16
/** Of those that follow, in one writing. */
const BLOCK = 256

export class ContentHashes {
  readonly #journal: Journal
  readonly #folder: string | undefined
  #later: Promise<void> = Promise.resolve()

  constructor(journal: Journal, folder: string | undefined) {
    this.#journal = journal
    this.#folder = folder
  }

  async withHashes(decisions: readonly Decision[]): Promise<readonly Decision[]> {
    if (this.#folder === undefined) return decisions
    const labels = this.#journal.labels()
    const known = decisions.map((each) => ({ ...each, sha256: labels.get(each.image)?.sha256 }))
    const unknown = known.filter(({ sha256 }) => sha256 === undefined)
    if (unknown.length > AT_ONCE) {
      this.#later = this.#later.then(() => this.#follow(unknown.map(({ image }) => image))).catch(() => {})
      return known
    }
    return Promise.all(
      known.map(async (each) => ({ ...each, sha256: each.sha256 ?? (await this.#hash(each.image)) })),
    )
  }

  /** Waits for what follows. */
  async settle(): Promise<void> {
    await this.#later
  }

  async #follow(images: readonly string[]): Promise<void> {
    for (let start = 0; start < images.length; start += BLOCK) {
      const found: { image: string; sha256: string }[] = []
      for (const image of images.slice(start, start + BLOCK)) {
        const sha256 = await this.#hash(image)
        if (sha256 !== undefined) found.push({ image, sha256 })
      }
      await this.#journal.learnContents(found, 'handful')
    }
  }

  /** Undefined where there is no such file, as of frames and of images in tables. */
  async #hash(image: string): Promise<string | undefined> {
    try {
      return await fileSha256(path.join(this.#folder ?? '', image))
    } catch {
      return undefined
    }
  }
}
