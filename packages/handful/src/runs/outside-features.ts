/**
 * Features made elsewhere in a run or a study: an encoder that was given as a file (`--encoder`) and a table of features
 * (`--embeddings`). Both are read and checked before anything is trained, and what is needed of them is kept, so that the
 * files may move:
 *
 *     model/outside-encoder-<hash>.onnx   the encoder with what stands around it (encoders/wrap-model.ts)
 *     features/<kind>-<hash>.safetensors  rows of all images
 */
import { createHash } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import path from 'node:path'
import { z } from 'zod'
import { readArrays, writeArrays } from '../files/array-file.js'
import { openEmbeddings, embeddingsSchema } from '../encoders/embeddings.js'
import { type Encodable, encodeSets } from '../encoders/encode-images.js'
import { type EncoderOptions, encoderOptionsOf } from '../encoders/encoder-options.js'
import {
  encoderKey,
  openOutsideEncoder,
  type OutsideEncoder,
  outsideEncoderSchema,
  restoreEncoder,
} from '../encoders/outside-encoder.js'
import type { Originals } from '../data/originals.js'
import type { RowsPart } from '../features/feature-sources.js'
import { makeFolders, writeFileAtomic } from '../files/atomic.js'
import { contentKey } from '../files/content-key.js'
import { filesPresent } from '../files/present.js'
import { type FeatureMatrix, matrixArray, matrixOf } from '../numerics/matrix.js'
import type { StageStore } from '../stages/stage-store.js'
import type { Stage } from '../stages/stage.js'

export interface OutsideOptions extends EncoderOptions {
  readonly embeddings?: string
}

/** Whether any features made elsewhere are asked for. */
export const hasOutside = ({ encoder, embeddings }: OutsideOptions): boolean =>
  encoder !== undefined || embeddings !== undefined

/** Where what is needed of them is kept. */
export interface OutsidePlace {
  readonly folder: string
  readonly store: StageStore
}

export interface OutsideSets {
  readonly train: Encodable
  readonly test?: Encodable
}

export interface OpeningOutside {
  readonly place: OutsidePlace
  readonly sets: OutsideSets
  /** Of the images' content. */
  readonly imagesKey: string
  readonly threads: number
  readonly device: string
  /** Told what was found, a sentence at a time. */
  readonly tell: (text: string) => void
}

const rowsSchema = z.object({ file: z.string() })
const encoderRecord = z.object({ file: z.string(), key: z.string(), description: outsideEncoderSchema })
const embeddingsRecord = rowsSchema.extend({ key: z.string(), description: embeddingsSchema })

export type EncoderRecord = z.infer<typeof encoderRecord>
export type EmbeddingsRecord = z.infer<typeof embeddingsRecord>
export type RowsStage = Stage<z.infer<typeof rowsSchema>>

/** One kind of features made elsewhere. */
export interface OutsidePart {
  readonly id: 'encoder' | 'embeddings'
  readonly title: string
  readonly columns: number
  readonly notes: readonly string[]
  /** Gives the rows of all images. */
  readonly stage: RowsStage
}

export interface Outside {
  /** In the order of their columns. */
  readonly parts: readonly OutsidePart[]
  readonly encoder?: EncoderRecord
  readonly embeddings?: EmbeddingsRecord
}

/** @throws HandfulError in one line for an encoder or a table that does not fit */
export async function openOutside(options: OutsideOptions, opening: OpeningOutside): Promise<Outside> {
  const encoder = options.encoder === undefined ? undefined : await keptEncoder(options, opening)
  const embeddings =
    options.embeddings === undefined ? undefined : await keptEmbeddings(options.embeddings, opening)
  const read = (record: EncoderRecord) => () => readKeptEncoder(opening.place.folder, record)
  const parts: OutsidePart[] = [
    ...(encoder === undefined ? [] : [encoderPart(encoder, opening, read(encoder))]),
    ...(embeddings === undefined ? [] : [embeddings.part]),
  ]
  for (const { notes } of parts) notes.forEach(opening.tell)
  return { parts, encoder, embeddings: embeddings?.record }
}

/**
 * The same for a study, which looks at them each time that it is begun and writes nothing for that: rows that are done stay
 * good as long as encoder, table and images are the same.
 * @param encoder opened
 */
export async function outsideParts(
  { encoder, embeddings }: { readonly encoder?: OutsideEncoder; readonly embeddings?: string },
  opening: OpeningOutside,
): Promise<OutsidePart[]> {
  const parts: OutsidePart[] = []
  if (encoder !== undefined) {
    const record = { key: encoderKey(encoder), description: encoder.description }
    parts.push(encoderPart(record, opening, () => Promise.resolve(encoder)))
  }
  if (embeddings !== undefined) {
    const { place, imagesKey } = opening
    const table = await openEmbeddings(embeddings, originalsOfSets(opening.sets))
    const settings = { kind: 'embeddings', rows: rowsKey(table.rows), images: imagesKey }
    const key = contentKey(settings)
    const file = path.join('features', `embeddings-${key.slice(0, 8)}.safetensors`)
    const stage: RowsStage = {
      ...embeddingsStage(settings, key),
      schema: rowsSchema,
      present: (result) => filesPresent(place.folder, [result.file]),
      work: async () => {
        await writeRows(place.folder, file, table.rows)
        return { file }
      },
    }
    parts.push({ id: 'embeddings', ...table.description, stage })
  }
  for (const { notes } of parts) notes.forEach(opening.tell)
  return parts
}

function rowsKey(rows: readonly FeatureMatrix[]): string {
  const digest = createHash('sha256')
  for (const { data } of rows) digest.update(new Uint8Array(data.buffer, data.byteOffset, data.byteLength))
  return digest.digest('hex').slice(0, 32)
}

const originalsOfSets = ({ train, test }: OutsideSets): Originals[] => [
  train.originals,
  ...(test === undefined ? [] : [test.originals]),
]

const READING = 'read the embeddings'
const embeddingsStage = (settings: object, key: string) =>
  ({ kind: 'embeddings', name: READING, group: READING, settings, key, needs: [], seconds: 1 }) as const

async function keptEncoder(
  options: EncoderOptions,
  { place, threads, device }: OpeningOutside,
): Promise<EncoderRecord> {
  const { encoder: source = '', ...details } = encoderOptionsOf(options)
  const settings = { kind: 'encoder', source: path.resolve(source), details }
  const stage = {
    kind: 'encoder',
    name: 'read the encoder',
    key: contentKey(settings),
    schema: encoderRecord,
    present: ({ file }: EncoderRecord) => filesPresent(place.folder, [file]),
  }
  return place.store.once(stage, async () => {
    const { model, description } = await openOutsideEncoder(source, options, { threads, device })
    const key = encoderKey({ model })
    const file = path.join('model', `outside-encoder-${key.slice(0, 8)}.onnx`)
    await makeFolders(path.join(place.folder, 'model'))
    await writeFileAtomic(path.join(place.folder, file), model)
    return { file, key, description }
  })
}

function encoderPart(
  record: Pick<EncoderRecord, 'key' | 'description'>,
  { place, sets, imagesKey }: OpeningOutside,
  read: () => Promise<OutsideEncoder>,
): OutsidePart {
  const { title, columns, notes, secondsPerImage } = record.description
  const settings = { kind: 'encoder features', encoder: record.key, images: imagesKey }
  const key = contentKey(settings)
  const file = path.join('features', `encoder-${key.slice(0, 8)}.safetensors`)
  const count = sets.train.images.count + (sets.test?.images.count ?? 0)
  const name = 'run the encoder'
  return {
    id: 'encoder',
    title,
    columns,
    notes,
    stage: {
      kind: 'encoder-features',
      name,
      group: name,
      settings,
      key,
      needs: [],
      seconds: count * secondsPerImage,
      unit: 'images',
      total: count,
      schema: rowsSchema,
      present: (result) => filesPresent(place.folder, [result.file]),
      work: async ({ threads, device, signal, onProgress }) => {
        const encoder = await read()
        const each = sets.test === undefined ? [sets.train] : [sets.train, sets.test]
        const rows = await encodeSets(encoder, each, {
          threads,
          device,
          signal,
          onProgress: (done, total) => onProgress?.(done, total),
        })
        await writeRows(place.folder, file, rows)
        return { file }
      },
    },
  }
}

/** The encoder in a run's folder. */
export const readKeptEncoder = async (
  folder: string,
  { file, description }: Pick<EncoderRecord, 'file' | 'description'>,
): Promise<OutsideEncoder> => {
  const place = path.join(folder, file)
  return restoreEncoder(place, await readFile(place), description)
}

async function keptEmbeddings(
  source: string,
  { place, sets, imagesKey }: OpeningOutside,
): Promise<{ readonly record: EmbeddingsRecord; readonly part: OutsidePart }> {
  const originals = originalsOfSets(sets)
  const names = originals.map((each) => each.findByName(contentKey))
  const settings = { kind: 'embeddings', source: path.resolve(source), images: imagesKey, names }
  const key = contentKey(settings)
  const work = async (): Promise<EmbeddingsRecord> => {
    const { description, rows } = await openEmbeddings(source, originals)
    const own = rowsKey(rows)
    const file = path.join('features', `embeddings-${own.slice(0, 8)}.safetensors`)
    await writeRows(place.folder, file, rows)
    return { file, key: own, description }
  }
  const opening: Stage<EmbeddingsRecord> = {
    ...embeddingsStage(settings, key),
    schema: embeddingsRecord,
    present: ({ file }) => filesPresent(place.folder, [file]),
    work,
  }
  const record = await place.store.once(opening, work)
  const { title, columns, notes } = record.description
  return { record, part: { id: 'embeddings', title, columns, notes, stage: opening } }
}

/** Rows of training images, then of test images where there are some. */
export async function writeRows(folder: string, file: string, rows: readonly FeatureMatrix[]): Promise<void> {
  const [train, test] = rows
  await makeFolders(path.dirname(path.join(folder, file)))
  await writeArrays(path.join(folder, file), {
    train: matrixArray(train),
    ...(rows.length > 1 && { test: matrixArray(test) }),
  })
}

/** The rows of some parts, whose stages are done. */
export async function outsideRows(
  { folder, store }: OutsidePlace,
  parts: readonly { readonly title: string; readonly stage: RowsStage }[],
): Promise<RowsPart[]> {
  const rows: RowsPart[] = []
  for (const { title, stage } of parts) {
    const { file } = await store.result(stage)
    const { arrays } = await readArrays(path.join(folder, file))
    const test = Object.hasOwn(arrays, 'test') ? matrixOf(arrays.test) : undefined
    rows.push({ name: title, train: matrixOf(arrays.train), test })
  }
  return rows
}
