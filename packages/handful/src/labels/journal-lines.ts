/**
 * What stands in a line of `labels.jsonl`. A step is what a person does at once: one decision, a hundred of them, a change of
 * classes. Its lines stand one after another, each with the step's number and how many they are, so that a step of which a
 * part is missing is known.
 *
 *     {"step":7,"of":1,"do":"label","image":"cats/7.png","label":0,"seen":"suggestion","who":"person","at":"2026-05-01T09:30:00.000Z","sha256":"9f..."}
 *     {"step":8,"of":1,"do":"undo","undoes":7,"who":"person","at":"2026-05-01T09:30:02.000Z"}
 */
import { z } from 'zod'

/** A class by its number, which is given once; `none`: none of the classes; `null`: no label. */
export type Label = number | 'none' | null

/** How an image was shown when it was labelled: as a suggestion, blind for the audit, or picked by the person. */
export const SEEN_AS = ['suggestion', 'blind', 'picked', 'accepted'] as const
export type Seen = (typeof SEEN_AS)[number]

interface Told {
  readonly step: number
  /** Lines of the step. */
  readonly of: number
  /** `person`, `import`, `command line`. */
  readonly who: string
  /** ISO 8601. */
  readonly at: string
}

export interface LabelLine extends Told {
  readonly do: 'label'
  readonly image: string
  readonly label: Label
  readonly seen: Seen
  /** Of the image's file. */
  readonly sha256?: string
}

const told = {
  step: z.int().min(1),
  of: z.int().min(1),
  who: z.string(),
  at: z.string(),
}
const id = z.int().min(0)
const name = z.string().min(1)

const otherSchema = z.discriminatedUnion('do', [
  z.object({ ...told, do: z.literal('class'), id, name }),
  z.object({ ...told, do: z.literal('rename'), id, name }),
  z.object({ ...told, do: z.literal('merge'), id, into: id }),
  z.object({ ...told, do: z.literal('delete'), id }),
  z.object({ ...told, do: z.literal('undo'), undoes: z.int().min(1) }),
  z.object({ ...told, do: z.literal('redo'), redoes: z.int().min(1) }),
  /** What an image's file holds, where that was found out after it was labelled; changes no label. */
  z.object({ ...told, do: z.literal('content'), image: z.string(), sha256: z.string() }),
])

export type JournalLine = LabelLine | z.infer<typeof otherSchema>

type Untold<L> = L extends JournalLine ? Omit<L, keyof Told> : never
/** A line before it is known which step it belongs to. */
export type Entry = Untold<JournalLine>

/** @returns the line, or why it is none */
export function parseLine(text: string): JournalLine | string {
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch {
    return 'a line that was cut short or damaged'
  }
  // Of a million lines nearly all are labels: these are looked at by hand, which is ten times as quick.
  if (isLabelLine(value)) return value
  const other = otherSchema.safeParse(value)
  return other.success ? other.data : 'a line that is none of a journal'
}

const isCount = (value: unknown, least: number): boolean =>
  typeof value === 'number' && Number.isSafeInteger(value) && value >= least

function isLabelLine(value: unknown): value is LabelLine {
  if (typeof value !== 'object' || value === null) return false
  const line: Partial<Record<keyof LabelLine, unknown>> = value
  const { label, sha256 } = line
  return (
    line.do === 'label' &&
    typeof line.image === 'string' &&
    (label === null || label === 'none' || isCount(label, 0)) &&
    SEEN_AS.some((seen) => seen === line.seen) &&
    isCount(line.step, 1) &&
    isCount(line.of, 1) &&
    typeof line.who === 'string' &&
    typeof line.at === 'string' &&
    (sha256 === undefined || typeof sha256 === 'string')
  )
}

/** The lines of a step as the file holds them. */
export function stepText(entries: readonly Entry[], { step, who, at }: Omit<Told, 'of'>): string {
  const of = entries.length
  return entries.map((entry) => `${JSON.stringify({ step, of, ...entry, who, at })}\n`).join('')
}
