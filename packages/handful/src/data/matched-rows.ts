/** Which image of a tree each row of a table of labels names: rows that name none, or two that say different things of one, are errors. */
import { join } from 'node:path'
import { HandfulError, printable, quoted } from '../errors.js'
import { closest } from '../errors/suggest.js'
import type { FileTree } from './collection.js'
import { cleanPath, type FileNames, type NameForm } from './file-names.js'
import { listed } from './image-set.js'
import type { ShownAs } from './label-columns.js'
import type { LabelTable } from './labels-file.js'
import type { RowSplit } from './split-column.js'

export interface Label {
  readonly label: string
  readonly row: number
  readonly split?: RowSplit
  /** How it was shown when it was labelled. */
  readonly seen?: ShownAs
}

export interface Matching {
  readonly names: FileNames
  readonly prefix: string
  readonly paths: readonly string[]
  readonly notes: string[]
}

export interface NamedRow extends Label {
  readonly name: string
}

/**
 * Labels by path.
 * @throws HandfulError naming the row that names no image, several, or one that another row labels otherwise
 */
export function matched(
  tree: FileTree,
  table: LabelTable,
  rows: readonly NamedRow[],
  { names, prefix, paths, notes }: Matching,
): ReadonlyMap<string, Label> {
  const labels = new Map<string, Label>()
  const forms = new Map<NameForm, number>()
  const unknown: NamedRow[] = []
  let again = 0
  for (const each of rows) {
    const where = `${table.name} row ${each.row}`
    const found = names.find(each.name)
    if (found.kind === 'several') {
      throw new HandfulError({
        what: 'file_name',
        where,
        got: `${quoted(each.name)}, which could be ${listed(found.paths)}`,
        expected: 'the path of one image',
      })
    }
    if (found.kind === 'none') {
      checkName(each.name, where)
      unknown.push(each)
      continue
    }
    const earlier = labels.get(found.path)
    if (earlier?.label === each.label && !table.repeats) again++
    else if (
      earlier !== undefined &&
      !(table.repeats && (earlier.label === each.label || each.label === ''))
    ) {
      if (!(table.repeats && earlier.label === '')) throw repeated(table, found.path, earlier, each)
    }
    if (earlier === undefined || earlier.label === '') labels.set(found.path, each)
    if (found.form !== undefined) forms.set(found.form, (forms.get(found.form) ?? 0) + 1)
  }
  if (unknown.length > 0) {
    const [first] = unknown
    const others = unknown.length === 1 ? '' : ` and ${unknown.length - 1} more such rows`
    throw new HandfulError({
      what: 'unknown file',
      where: `${table.name} row ${first.row}`,
      got: `${quoted(first.name)}${others}`,
      expected: `the path of an image below ${printable(join(tree.place, prefix))}`,
      hint: namesake(first.name, paths, prefix) ?? 'correct or remove the row',
    })
  }
  for (const [form, count] of forms) {
    notes.push(`${table.name}: ${count} ${count === 1 ? 'name is' : 'names are'} written ${form}`)
  }
  if (again > 0)
    notes.push(`${table.name}: ${again} ${again === 1 ? 'row says' : 'rows say'} again what another says`)
  return labels
}

function checkName(name: string, where: string): void {
  const cleaned = cleanPath(name)
  if (cleaned === undefined) {
    throw new HandfulError({
      what: 'file_name',
      where,
      got: quoted(name),
      expected: "a path relative to the labels file's folder, such as cats/7.png",
    })
  }
  if (cleaned === '') {
    throw new HandfulError({ what: 'file_name', where, got: 'nothing', expected: 'the path of an image' })
  }
}

function repeated(table: LabelTable, path: string, first: Label, second: Label): HandfulError {
  return new HandfulError({
    what: 'conflicting rows',
    where: `${table.name} rows ${first.row} and ${second.row}`,
    got: `${quoted(path)} with the labels ${quoted(first.label)} and ${quoted(second.label)}`,
    expected: 'each file once',
    hint: 'remove one of the rows',
  })
}

const NEAREST_AMONG = 20_000

/** "did you mean" for a row that left out the folder: files elsewhere with the same base name. */
function namesake(name: string, paths: readonly string[], prefix: string): string | undefined {
  const base = (path: string): string =>
    path
      .slice(path.lastIndexOf('/') + 1)
      .normalize('NFC')
      .toLowerCase()
  const wanted = base(name.replaceAll('\\', '/').trim())
  const found = paths.filter((known) => known.startsWith(prefix) && base(known) === wanted)
  if (found.length > 0) return `did you mean ${listed(found.map((known) => known.slice(prefix.length)))}?`
  const bases = new Map(paths.slice(0, NEAREST_AMONG).map((known) => [base(known), known]))
  const near = closest(wanted, [...bases.keys()])
  return near === undefined ? undefined : `did you mean ${listed([bases.get(near) ?? near])}?`
}
