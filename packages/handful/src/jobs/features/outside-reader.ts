/** Features made elsewhere for commands that keep no run: an encoder and a table, opened for the images at hand. */
import { fileSha256 } from '../../files/file-hash.js'
import { type Encodable, encodeSets } from '../../encoders/encode-images.js'
import { openEmbeddings } from '../../encoders/embeddings.js'
import { encoderOptionsOf } from '../../encoders/encoder-options.js'
import { openOutsideEncoder, type OutsideEncoder } from '../../encoders/outside-encoder.js'
import { systemError } from '../../errors.js'
import type { ExtractOptions } from '../../features/extract.js'
import type { FeatureMatrix } from '../../numerics/matrix.js'
import type { OutsideOptions } from '../../runs/outside-features.js'

export interface OutsideReader {
  readonly encoder?: OutsideEncoder
  readonly title: string
  readonly notes: readonly string[]
  /** All that the features depend on, beside the images. */
  readonly identity: object
  secondsFor(images: number): number
  /** A matrix of each part. */
  extract(of: Encodable, options: ExtractOptions): Promise<FeatureMatrix[]>
}

/** @throws HandfulError for an encoder or a table that cannot be read */
export async function openOutsideReader(
  options: OutsideOptions,
  { threads, device }: { readonly threads: number; readonly device: string },
): Promise<OutsideReader> {
  const { encoder: file, embeddings } = options
  const encoder =
    file === undefined ? undefined : await openOutsideEncoder(file, options, { threads, device })
  const { encoder: _file, ...details } = encoderOptionsOf(options)
  const titles = [encoder?.description.title, embeddings].filter((title) => title !== undefined)
  return {
    encoder,
    title: titles.join(' and '),
    notes: encoder?.description.notes ?? [],
    identity: {
      encoder: encoder && { sha256: encoder.description.sha256, details },
      embeddings: embeddings === undefined ? undefined : await hashOf(embeddings),
    },
    secondsFor: (images) => images * (encoder?.description.secondsPerImage ?? 0),
    async extract(of, { signal, onProgress }) {
      const rows =
        encoder === undefined ? [] : await encodeSets(encoder, [of], { threads, device, signal, onProgress })
      if (embeddings === undefined) return rows
      return [...rows, ...(await openEmbeddings(embeddings, [of.originals])).rows]
    },
  }
}

const hashOf = (file: string): Promise<string> =>
  fileSha256(file).catch((error: unknown) => {
    throw systemError('embeddings', file, error)
  })
