/**
 * A person with a keyboard at the studio's own page: from a folder of images without a label to 90 % of them classified right.
 *
 *   npx tsx bench/studio/person.ts <folder of class folders> --scratch <folder> [--minutes 3] [--share 0.9] [--look 1]
 *     [--ways suggested,drawn] [--most 900]
 *
 * The images are copied into one folder under names that say nothing; what they show stays in a file beside it, by which the
 * person knows them. Right is an image that is labelled truly, or without a label predicted truly.
 *
 * - `suggested`: a run is there (`handful prepare --minutes 3`, what the page advises; timed apart), the page's suggestions are
 *   followed: Enter where the one that is shown is right, the class's key where it is not, C, name and Enter for a class that
 *   is new. The looking time is really waited, so that predictions follow as they do for a person.
 * - `drawn`: the same page without a run draws images at random. Nothing on it depends on how long one looks, so the looking
 *   time is added by count; predictions are those of the same run with these labels, after every ten.
 *
 * A person needs `--look` seconds for an image, recognising and pressing a key; what to press is settled by what stands on the
 * page 0.3 s before. Each further key of a class's name takes 0.28 s (Card, Moran and Newell, 1980: an average typist).
 */
import { spawnSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import { cp, mkdir, readFile, rm } from 'node:fs/promises'
import { loadavg } from 'node:os'
import path from 'node:path'
import { parseArgs } from 'node:util'
import { parseCsv } from '../../packages/handful/src/files/csv.js'
import { labelRows } from '../../packages/handful/src/labelling/label-table.js'
import { Workbench } from '../../packages/handful/src/labelling/workbench.js'
import { Journal } from '../../packages/handful/src/labels/journal.js'
import { flattened } from './real-studio.js'
import { type Decided, PageUnderHands, PROGRAM, TYPING_SECONDS } from './page-under-hands.js'

const NAME = 'hand-signs'
const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    scratch: { type: 'string', default: 'person-scratch' },
    minutes: { type: 'string', default: '3' },
    share: { type: 'string', default: '0.9' },
    look: { type: 'string', default: '1' },
    most: { type: 'string', default: '900' },
    ways: { type: 'string', default: 'suggested,drawn' },
  },
})
const [share, look, most] = [values.share, values.look, values.most].map(Number)
const flat = path.join(values.scratch, NAME)
const prepared = path.join(values.scratch, 'prepared', `${NAME}-vae`)
const load = (): string => `load ${loadavg()[0].toFixed(1)}`

const truth = await flattened(positionals[0], flat)
if (!existsSync(prepared)) {
  const began = performance.now()
  const words = ['prepare', flat, '--model', 'vae', '--minutes', values.minutes, '--out', prepared, '--quiet']
  if (spawnSync(process.execPath, [PROGRAM, ...words], { stdio: 'inherit' }).status !== 0)
    throw new Error('nothing was prepared')
  console.log(`prepared in ${((performance.now() - began) / 1000).toFixed(0)} s, ${load()}`)
}
for (const way of values.ways.split(',')) {
  console.log(`${way}: ${load()} before`)
  if (way === 'suggested') await suggested()
  else await drawn()
  console.log(`  ${load()} after`)
}

async function suggested(): Promise<void> {
  const runs = path.join(values.scratch, 'runs-suggested')
  await rm(runs, { recursive: true, force: true })
  const run = path.join(runs, `${NAME}-vae`)
  await cp(prepared, run, { recursive: true })
  const hands = await PageUnderHands.open(flat, runs, truth)
  try {
    const decided: Decided[] = []
    const course: string[] = []
    let now = 0
    while (decided.length < most && now < share) {
      // What is right so far is found out while the person looks.
      const [next, right] = await Promise.all([
        hands.decide({ look, waits: true }),
        hands.right().then((count) => count / truth.size),
      ])
      now = right
      if (decided.length % 50 === 0) {
        course.push(`${decided.length}: ${(100 * now).toFixed(1)}`)
        console.log(`    ${course.at(-1)}`)
      }
      decided.push(next)
    }
    told('suggested', decided, now >= share, course)
    await hands.allStored(decided.length)
  } finally {
    await hands.close()
  }
  await journalTold(runs)
  const { status } = spawnSync(process.execPath, [PROGRAM, 'refit', run, '--quiet'], { stdio: 'inherit' })
  if (status !== 0) throw new Error('no predictions of the run')
  console.log(`  handful refit on these labels: ${(100 * (await rightIn(run))).toFixed(1)} % right`)
}

async function drawn(): Promise<void> {
  const runs = path.join(values.scratch, 'runs-drawn')
  await rm(runs, { recursive: true, force: true })
  await mkdir(runs, { recursive: true })
  const folder = path.join(values.scratch, 'judged')
  await rm(folder, { recursive: true, force: true })
  await cp(prepared, folder, { recursive: true })
  const hands = await PageUnderHands.open(flat, runs, truth)
  const workbench = await Workbench.open(folder, { threads: 1 })
  try {
    const decided: Decided[] = []
    const course: string[] = []
    let now = 0
    while (decided.length < most && now < share) {
      const batch: Decided[] = []
      while (batch.length < 10) batch.push(await hands.decide({ look, waits: false }))
      decided.push(...batch)
      await workbench.journal.labelNamed(
        batch.map(({ file, name }) => ({ image: file, name })),
        { seen: 'picked', who: 'bench' },
      )
      const fitted = await workbench.refit()
      if (fitted.kind !== 'fitted') continue
      const right = workbench.paths.filter(
        (file, image) => workbench.journal.nameOf(fitted.predicted[image]) === truth.get(file),
      )
      now = right.length / truth.size
      if (decided.length % 50 === 0) course.push(`${decided.length}: ${(100 * now).toFixed(1)}`)
    }
    told('drawn', decided, now >= share, course)
    await hands.allStored(decided.length)
  } finally {
    await workbench.close()
    await hands.close()
  }
  await journalTold(runs)
}

/** Labels, keys and seconds of a course, and what labelling as many as that without predictions takes. */
function told(way: string, decided: readonly Decided[], reached: boolean, course: readonly string[]): void {
  const keys = sum(decided.map((each) => each.keys))
  const seconds = sum(decided.map((each) => each.seconds))
  const waits = decided.map(({ wait }) => wait).toSorted((a, b) => a - b)
  const at = (quantile: number) => waits[Math.min(waits.length - 1, Math.floor(quantile * waits.length))]
  const count = (of: (each: Decided) => boolean) => decided.filter(of).length
  console.log(`${way}: ${reached ? '' : 'not reached with '}${decided.length} labels, ${keys} keys, ${minutes(seconds)}`) // prettier-ignore
  console.log(`  ${course.join('  ')}`)
  console.log(
    `  next image after ${at(0.5).toFixed(0)} ms (median), ${at(0.95).toFixed(0)} (95 %), ${at(1).toFixed(0)} (most)`,
  )
  console.log(
    `  Enter ${count(({ how }) => how === 'accepted')}, class keys ${count(({ how }) => how === 'named')}, new classes ${count(({ how }) => how === 'made')}; ` +
      `suggestions shown ${count(({ suggestion }) => suggestion !== undefined)}, right ${count(({ suggestion, name }) => suggestion === name)}; ` +
      `changed under the hand ${count(({ changed }) => changed)}`,
  )
  const every = Math.ceil(share * truth.size)
  const perLabel = (look * decided.length + sum(waits) / 1000) / decided.length
  const made = count(({ how }) => how === 'made')
  const typed = keys - decided.length
  console.log(
    `  ${every} images without predictions, by ${perLabel.toFixed(3)} s a label: ${every + typed} keys, ${minutes(every * perLabel + typed * TYPING_SECONDS)} (${made} classes made)`,
  )
}

/** The journal's rows against the truth. */
async function journalTold(runs: string): Promise<void> {
  const folder = path.join(runs, `${NAME}-studio`)
  const lines = (await readFile(path.join(folder, 'labels.jsonl'), 'utf8')).trim().split('\n')
  const journal = await Journal.open(folder)
  const rows = labelRows(journal)
  await journal.close()
  const wrong = rows.filter(({ image, label }) => truth.get(image) !== label).length
  const blind = rows.filter(({ seen }) => seen === 'blind').length
  console.log(
    `  journal: ${lines.length} lines, ${rows.length} images labelled, ${wrong} wrongly, ${blind} blind`,
  )
}

/** Share of `predictions.csv` that is right: its label, or else what is predicted. */
async function rightIn(run: string): Promise<number> {
  const file = path.join(run, 'predictions.csv')
  const [head, ...rows] = parseCsv(await readFile(file, 'utf8'), file)
  const [name, label, predicted] = ['file_name', 'label', 'predicted'].map((column) =>
    head.fields.indexOf(column),
  )
  const right = rows.filter(({ fields }) => {
    const said = fields[label] === '' ? fields[predicted] : fields[label]
    return said === truth.get(fields[name])
  })
  return right.length / truth.size
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((total, each) => total + each, 0)
}

function minutes(seconds: number): string {
  return `${Math.floor(seconds / 60)} min ${Math.round(seconds % 60)} s`
}
