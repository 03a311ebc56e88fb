/**
 * What a journal came to up to some byte, kept beside it so that opening a long one reads only what came after:
 * `.labels.snapshot`, a line of JSON that says what it is of, and a line of columns. It is never the only place of anything: one
 * that is missing, damaged, or of other lines than the journal's is passed over, and the journal is read from its beginning.
 */
import { createHash, type Hash } from 'node:crypto'
import { type FileHandle, readFile } from 'node:fs/promises'
import path from 'node:path'
import { z } from 'zod'
import { writeFileAtomic } from '../files/atomic.js'
import { jsonOrNothing } from '../files/json.js'
import { SEEN_AS } from './journal-lines.js'
import { JournalReader, type Read } from './journal-reader.js'
import { JournalState, type Labelled, type StateParts } from './journal-state.js'

export const SNAPSHOT_FILE = '.labels.snapshot'

/** In the steps that can be taken back without reading the whole journal. */
export const MOST_CHANGES = 20_000
const PIECE_BYTES = 4 * 2 ** 20

const headSchema = z.strictObject({
  version: z.literal(1),
  /** Of the journal: how many, and their SHA-256. */
  bytes: z.int().positive(),
  journal: z.string(),
  /** SHA-256 of the second line. */
  body: z.string(),
})

const id = z.int().min(0)
const count = z.int().min(0)
const labelledSchema = z.object({
  label: z.union([id, z.literal('none')]),
  seen: z.enum(SEEN_AS),
  who: z.string(),
  at: z.string(),
  sha256: z.string().optional(),
})
const stepSchema = z.object({
  step: count,
  labels: z.array(
    z.object({ image: z.string(), before: labelledSchema.optional(), after: labelledSchema.optional() }),
  ),
  classes: z.array(z.object({ id, before: z.string().optional(), after: z.string().optional() })),
})
/** The columns' items are known by the hash of the whole: looking at each takes longer than reading them. */
const column = z.array(z.unknown())
const bodySchema = z.object({
  lines: count,
  passedOver: z.array(z.object({ line: count, reason: z.string() })),
  names: z.array(z.tuple([id, z.string()])),
  done: z.array(stepSchema),
  undone: z.array(stepSchema),
  before: count.optional(),
  nextClass: count,
  lastStep: count,
  revision: count,
  images: column,
  /** The class's number, -1 for none of them. */
  labels: column,
  /** Place in `givers`. */
  by: column,
  givers: z.array(z.tuple([z.enum(SEEN_AS), z.string()])),
  /** ISO 8601, or milliseconds since 1970 that say the same. */
  at: column,
  /** Null where it is not known. */
  sha256: column,
})

const sha256Of = (content: string | Uint8Array): string => createHash('sha256').update(content).digest('hex')

/** The reader of a journal as its snapshot leaves it; undefined where there is none that is of this journal. */
export async function openSnapshot(folder: string, journal: FileHandle): Promise<JournalReader | undefined> {
  const content = await readFile(path.join(folder, SNAPSHOT_FILE)).catch(() => undefined)
  const end = content?.indexOf(0x0a) ?? -1
  if (content === undefined || end < 0) return undefined
  const head = headSchema.safeParse(jsonOrNothing(content.toString('utf8', 0, end))).data
  const line = content.subarray(end + 1)
  if (head === undefined || sha256Of(line) !== head.body) return undefined
  const hash = await hashOf(journal, head.bytes)
  if (hash?.copy().digest('hex') !== head.journal) return undefined
  const body = bodySchema.safeParse(jsonOrNothing(line.toString('utf8'))).data
  if (body === undefined) return undefined
  const { lines, passedOver, ...parts } = body
  const state = new JournalState({ ...parts, labels: labelsOf(body) }, MOST_CHANGES)
  return new JournalReader({ state, passedOver, lines, bytes: head.bytes, hash })
}

/** Of the first bytes; undefined where there are fewer. */
async function hashOf(file: FileHandle, bytes: number): Promise<Hash | undefined> {
  const hash = createHash('sha256')
  const piece = Buffer.alloc(PIECE_BYTES)
  for (let at = 0; at < bytes;) {
    const { bytesRead } = await file.read(piece, 0, Math.min(PIECE_BYTES, bytes - at), at)
    if (bytesRead === 0) return undefined
    hash.update(piece.subarray(0, bytesRead))
    at += bytesRead
  }
  return hash
}

/** Keeps what the reader has read; whatever goes wrong, the journal itself is there. */
export function keepSnapshot(folder: string, reader: JournalReader): Promise<void> {
  const { read } = reader
  const parts = read?.state.parts(MOST_CHANGES)
  if (read === undefined || parts === undefined) return Promise.resolve()
  const { bytes, hash } = read
  reader.snapshotAt = bytes
  const body = `${JSON.stringify(columns(read, parts))}\n`
  const head = { version: 1, bytes, journal: hash.digest('hex'), body: sha256Of(body) }
  return writeFileAtomic(path.join(folder, SNAPSHOT_FILE), [`${JSON.stringify(head)}\n`, body]).catch(
    () => {},
  )
}

function columns({ lines, passedOver }: Read, { labels, ...parts }: StateParts): z.input<typeof bodySchema> {
  const givers = new Map<string, number>()
  const own = [...labels.values()]
  return {
    ...parts,
    names: parts.names.map(([number, name]) => [number, name]),
    done: parts.done.map(plain),
    undone: parts.undone.map(plain),
    lines,
    passedOver: [...passedOver],
    images: [...labels.keys()],
    labels: own.map(({ label }) => (label === 'none' ? -1 : label)),
    by: own.map(({ seen, who }) => {
      const key = JSON.stringify([seen, who])
      const known = givers.get(key) ?? givers.size
      givers.set(key, known)
      return known
    }),
    givers: [...givers.keys()].map((key) => bodySchema.shape.givers.element.parse(JSON.parse(key))),
    at: own.map(({ at }) => shortened(at)),
    sha256: own.map(({ sha256 }) => sha256 ?? null),
  }
}

const plain = ({ step, labels, classes }: StateParts['done'][number]): z.input<typeof stepSchema> => ({
  step,
  labels: [...labels],
  classes: [...classes],
})

function labelsOf({
  images,
  labels,
  by,
  givers,
  at,
  sha256,
}: z.output<typeof bodySchema>): Map<string, Labelled> {
  const found = new Map<string, Labelled>()
  images.forEach((image, i) => {
    const [seen, who] = givers[Number(by[i])]
    const label = labels[i] === -1 ? 'none' : Number(labels[i])
    const time = at[i]
    const held = {
      label,
      seen,
      who,
      at: typeof time === 'number' ? new Date(time).toISOString() : String(time),
    } as const
    const content = sha256[i]
    found.set(String(image), typeof content === 'string' ? { ...held, sha256: content } : held)
  })
  return found
}

function shortened(at: string): number | string {
  const time = Date.parse(at)
  return !Number.isNaN(time) && new Date(time).toISOString() === at ? time : at
}
