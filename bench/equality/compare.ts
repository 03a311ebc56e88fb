/**
 * Compares two recordings of record.ts bit for bit and says, run by run, what differs and where. Ends with status 1 if
 * anything does.
 *
 *   npx tsx bench/equality/compare.ts <before> <after> [--show 4] [--allow onnx,svg] [--only fit-gan,study*]
 *
 * --allow names kinds of differences that are shown and count for nothing; runs that only one recording has do count, unless
 * --only picks some.
 */
import { parseArgs } from 'node:util'
import {
  CATEGORIES,
  CATEGORY_NAMES,
  type Category,
  type Entries,
  readManifest,
  readRun,
  type Value,
} from './recording.js'

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    show: { type: 'string', default: '4' },
    allow: { type: 'string', default: '' },
    only: { type: 'string' },
  },
})

interface Difference {
  readonly at: string
  readonly before: string
  readonly after: string
}

/** Characters of each value. */
const SHOWN = 160

type Differences = Record<Category, Difference[]>

const [before, after] = positionals
if (before === undefined || after === undefined) throw new Error('two recordings have to be given')
const allowed = values.allow.split(',').filter((name) => name !== '')
const unknown = allowed.find((name) => !CATEGORY_NAMES.some((known) => known === name))
if (unknown !== undefined) throw new Error(`--allow: ${unknown} is none of ${CATEGORY_NAMES.join(', ')}`)

async function compareAll(first: string, second: string): Promise<boolean> {
  const [left, right] = [await namesIn(first), await namesIn(second)]
  const missing = [
    ...left.filter((name) => !right.includes(name)),
    ...right.filter((name) => !left.includes(name)),
  ]
  for (const name of missing) console.log(`${name}: only in ${left.includes(name) ? first : second}`)
  const totals = Object.fromEntries(CATEGORY_NAMES.map((name) => [name, 0])) as Record<Category, number>
  for (const name of left.filter((each) => right.includes(each))) {
    const found = differencesOf((await readRun(first, name)).entries, (await readRun(second, name)).entries)
    for (const category of CATEGORY_NAMES) totals[category] += found[category].length
    show(name, found)
  }
  console.log('\ndifferences:')
  for (const category of CATEGORY_NAMES) {
    const note = allowed.includes(category) ? ' (allowed)' : ''
    console.log(
      `  ${category.padEnd(8)} ${String(totals[category]).padStart(5)}${note}  ${CATEGORIES[category]}`,
    )
  }
  const counted = CATEGORY_NAMES.filter((category) => !allowed.includes(category))
  return missing.length === 0 && counted.every((category) => totals[category] === 0)
}

async function namesIn(folder: string): Promise<string[]> {
  const names = (await readManifest(folder)).runs.map(({ name }) => name)
  const only = values.only?.split(',')
  if (only === undefined) return names
  return names.filter((name) =>
    only.some((each) => (each.endsWith('*') ? name.startsWith(each.slice(0, -1)) : name === each)),
  )
}

function differencesOf(left: Entries, right: Entries): Differences {
  return Object.fromEntries(
    CATEGORY_NAMES.map((category) => {
      const found: Difference[] = []
      compareValues(left[category], right[category], '', found)
      return [category, found]
    }),
  ) as Differences
}

function isTree(value: Value | undefined): value is Readonly<Record<string, Value>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

/** Fields in another order, and lists of another length, are differences as well. */
function compareValues(
  left: Value | undefined,
  right: Value | undefined,
  at: string,
  found: Difference[],
): void {
  if (Array.isArray(left) && Array.isArray(right)) {
    if (left.length !== right.length)
      found.push({ at: `${at}.length`, before: String(left.length), after: String(right.length) })
    const shared = Math.min(left.length, right.length)
    for (let i = 0; i < shared; i++) compareValues(left[i] as Value, right[i] as Value, `${at}[${i}]`, found)
    return
  }
  if (isTree(left) && isTree(right)) {
    const [names, others] = [Object.keys(left), Object.keys(right)]
    for (const name of new Set([...names, ...others]))
      compareValues(left[name], right[name], at === '' ? name : `${at} > ${name}`, found)
    const same = names.length === others.length && names.every((name) => Object.hasOwn(right, name))
    if (same && names.some((name, i) => name !== others[i]))
      found.push({ at: `${at}, order of fields`, before: names.join(), after: others.join() })
    return
  }
  if (!Object.is(left, right)) found.push({ at, ...briefly(left, right) })
}

/** Both from shortly before the place where they begin to differ. */
function briefly(left: Value | undefined, right: Value | undefined): { before: string; after: string } {
  const [one, other] = [left, right].map((value) => (value === undefined ? 'nothing' : JSON.stringify(value)))
  let same = 0
  while (same < one.length && one[same] === other[same]) same++
  const from = one.length > SHOWN || other.length > SHOWN ? Math.max(same - SHOWN / 4, 0) : 0
  const part = (text: string): string =>
    `${from > 0 ? '...' : ''}${text.slice(from, from + SHOWN)}${text.length > from + SHOWN ? '...' : ''}`
  return { before: part(one), after: part(other) }
}

function show(name: string, found: Differences): void {
  const differing = CATEGORY_NAMES.filter((category) => found[category].length > 0)
  if (differing.length === 0) {
    console.log(`${name}: equal`)
    return
  }
  console.log(`${name}: ${differing.map((each) => `${found[each].length} in ${each}`).join(', ')}`)
  for (const category of differing) {
    for (const { at, before: one, after: other } of found[category].slice(0, Number(values.show)))
      console.log(`  ${category}: ${at}\n    - ${one}\n    + ${other}`)
    const more = found[category].length - Number(values.show)
    if (more > 0) console.log(`  ${category}: and ${more} more`)
  }
}
process.exitCode = (await compareAll(before, after)) ? 0 : 1
