/** The steps of a journal as they were done, in words, the oldest first. */
import { open } from 'node:fs/promises'
import { quoted, printable, systemCode, systemError } from '../errors.js'
import { type JournalLine, parseLine } from './journal-lines.js'

export interface LoggedStep {
  readonly step: number
  /** ISO 8601. */
  readonly at: string
  readonly who: string
  readonly what: string
  readonly lines: readonly JournalLine[]
}

/**
 * @param place the journal's file; no steps where there is none yet
 * @throws HandfulError where it cannot be read
 */
export async function* journalSteps(place: string): AsyncGenerator<LoggedStep> {
  const names = new Map<number, string>()
  let lines: JournalLine[] = []
  try {
    const file = await open(place, 'r')
    try {
      for await (const text of file.readLines()) {
        const line = parseLine(text)
        if (typeof line === 'string' || line.do === 'content') continue
        if (lines.length > 0 && lines[0].step !== line.step) lines = []
        lines.push(line)
        if (line.do === 'class' || line.do === 'rename') names.set(line.id, line.name)
        if (lines.length < line.of) continue
        const { step, at, who } = line
        yield { step, at, who, what: inWords(lines, names), lines }
        lines = []
      }
    } finally {
      await file.close()
    }
  } catch (error) {
    if (systemCode(error) !== 'ENOENT') throw systemError('reading labels', place, error)
  }
}

function inWords(lines: readonly JournalLine[], names: ReadonlyMap<number, string>): string {
  const nameOf = (id: number): string => quoted(names.get(id) ?? `class ${id}`)
  const [first] = lines
  const made = lines.flatMap((line) => (line.do === 'class' ? [quoted(line.name)] : []))
  const labels = lines.flatMap((line) => (line.do === 'label' ? [line] : []))
  const classes = made.length === 0 ? [] : [`new: ${made.join(', ')}`]
  if (labels.length > 0) {
    const given = new Set(labels.map(({ label }) => label))
    const [{ label, image, seen }] = labels
    const what = labels.length === 1 ? printable(image) : `${labels.length} images`
    const word = label === null ? 'no label' : label === 'none' ? 'none of these' : nameOf(label)
    return [...classes, `${what}: ${given.size === 1 ? word : `${given.size} labels`} (${seen})`].join('; ')
  }
  switch (first.do) {
    case 'rename':
      return `class ${first.id} is called ${quoted(first.name)}`
    case 'merge':
      return `${nameOf(first.id)} into ${nameOf(first.into)}`
    case 'delete':
      return `without ${nameOf(first.id)}`
    case 'undo':
      return `step ${first.undoes} taken back`
    case 'redo':
      return `step ${first.redoes} again`
    default:
      return classes.join('; ')
  }
}
