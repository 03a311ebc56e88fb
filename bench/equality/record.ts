/**
 * Records what small seeded runs of a checkout give, through its command line alone, for compare.ts.
 *
 *   npx tsx bench/equality/record.ts --checkout <folder> --out <recording> [--only fit-gan,study*] [--jobs 1]
 *     [--keep <folder>]      puts run folders by, one of each kind, for --open
 *     [--open <folder>]      instead: opens copies of run folders that --keep has put by
 *     [--work <folder>]      where working directories are made (the system's folder for temporary files)
 *     [--list]               prints the names of the runs and ends
 */
import { cp, mkdir, mkdtemp, realpath, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { parseArgs } from 'node:util'
import { collect, digestsOf } from './collect.js'
import { linesOf } from './contents.js'
import { execute, type Machine, type Outcome, prepareMachine } from './execute.js'
import { IMAGE_SETS, writeImages } from './images.js'
import { normaliseJson, normaliseText, type Normaliser } from './normalise.js'
import { openingRuns } from './open.js'
import {
  emptyEntries,
  type Entries,
  type Manifest,
  type Value,
  writeManifest,
  writeRun,
} from './recording.js'
import type { Run } from './run.js'
import { FIT_RUNS } from './runs-fit.js'
import { MODEL_RUNS } from './runs-models.js'
import { INTERRUPTED_RUNS, STUDY_RUNS, UNFINISHED_RUNS } from './runs-study.js'
import { USAGE_RUNS } from './runs-usage.js'

const { values } = parseArgs({
  options: {
    checkout: { type: 'string' },
    out: { type: 'string' },
    only: { type: 'string' },
    jobs: { type: 'string', default: '1' },
    keep: { type: 'string' },
    open: { type: 'string' },
    work: { type: 'string' },
    list: { type: 'boolean', default: false },
  },
})

interface Place {
  readonly machine: Machine
  readonly checkout: string
  /** With the images and the working directories. */
  readonly work: string
  readonly out: string
}

const chosen = wanted(await allRuns())
if (values.list) for (const { name } of chosen) console.log(name)
else await recordAll()

async function allRuns(): Promise<Run[]> {
  if (values.open !== undefined) return openingRuns(path.resolve(values.open))
  // Unfinished runs give nothing to compare; they are made to be put by.
  const unfinished = values.keep === undefined ? [] : UNFINISHED_RUNS
  return [...USAGE_RUNS, ...FIT_RUNS, ...MODEL_RUNS, ...STUDY_RUNS, ...INTERRUPTED_RUNS, ...unfinished]
}

/** Those that --only names; a name that ends in * stands for all that begin so. */
function wanted(runs: readonly Run[]): Run[] {
  const names = values.only?.split(',')
  if (names === undefined) return [...runs]
  const matches = (run: Run, name: string): boolean =>
    name.endsWith('*') ? run.name.startsWith(name.slice(0, -1)) : run.name === name
  const lost = names.find((name) => !runs.some((run) => matches(run, name)))
  if (lost !== undefined) throw new Error(`--only: no run is named ${lost}; --list lists them`)
  return runs.filter((run) => names.some((name) => matches(run, name)))
}

async function recordAll(): Promise<void> {
  if (values.checkout === undefined || values.out === undefined)
    throw new Error('--checkout <folder> and --out <recording> have to be given')
  const parent = path.resolve(values.work ?? tmpdir())
  await mkdir(parent, { recursive: true })
  const work = await realpath(await mkdtemp(path.join(parent, 'equality-')))
  const checkout = await realpath(values.checkout)
  const place = {
    machine: await prepareMachine(checkout, work),
    checkout,
    work,
    out: path.resolve(values.out),
  }
  await writeImages(path.join(work, 'images'))
  const started = new Date()
  const done: Manifest['runs'][number][] = []
  const waiting = [...chosen]
  const worker = async (): Promise<void> => {
    for (let run = waiting.shift(); run !== undefined; run = waiting.shift()) {
      const seconds = await record(run, place)
      done.push({ name: run.name, commands: run.steps.length, seconds })
      console.log(
        `${String(done.length).padStart(3)} of ${chosen.length}  ${seconds.toFixed(1).padStart(6)} s  ${run.name}`,
      )
    }
  }
  await Promise.all(Array.from({ length: Math.max(1, Number(values.jobs)) }, worker))
  const seconds = (Date.now() - started.getTime()) / 1000
  const recorded = chosen.filter(({ unrecorded }) => unrecorded !== true)
  const runs = recorded.flatMap(({ name }) => done.filter((each) => each.name === name))
  await writeManifest(place.out, {
    node: process.versions.node,
    startedAt: started.toISOString(),
    seconds,
    runs,
  })
  await rm(work, { recursive: true })
  console.log(`${runs.length} runs in ${seconds.toFixed(0)} s, in ${place.out}`)
}

async function record(run: Run, place: Place): Promise<number> {
  const started = performance.now()
  const home = path.join(place.work, run.name)
  const [cwd, cache] = [path.join(home, 'here'), path.join(home, 'cache')]
  for (const folder of [cwd, cache]) await mkdir(folder, { recursive: true })
  for (const set of IMAGE_SETS)
    await cp(path.join(place.work, 'images', set), path.join(cwd, set), { recursive: true })
  if (run.opens !== undefined) await cp(run.opens, path.join(cwd, 'run'), { recursive: true })
  const before = run.opens === undefined ? undefined : await digestsOf(cwd)
  const realClock = run.realClock === true
  const places = [
    [cwd, '<here>'],
    [cache, '<cache>'],
    [place.checkout, '<checkout>'],
  ] as const
  const normaliser: Normaliser = { places, realClock }
  const entries = emptyEntries()
  for (const [i, step] of run.steps.entries()) {
    const outcome = await execute(place.machine, { ...step, cwd, cache, realClock })
    if (!realClock) await noteOutput(entries, `${i + 1}: ${step.args.join(' ')}`, outcome, normaliser)
  }
  if (run.unrecorded !== true) {
    await collect(cwd, entries, { normaliser, only: run.only, before })
    await writeRun(place.out, { name: run.name, entries })
  }
  if (values.keep !== undefined && run.keep !== undefined) {
    const kept = path.join(path.resolve(values.keep), run.name)
    await rm(kept, { recursive: true, force: true })
    await cp(path.join(cwd, run.keep), kept, { recursive: true })
  }
  await rm(home, { recursive: true })
  return (performance.now() - started) / 1000
}

/** What a command printed for programs is data; what it says to a reader is output. */
async function noteOutput(
  entries: Entries,
  command: string,
  { status, stdout, stderr }: Outcome,
  normaliser: Normaliser,
): Promise<void> {
  const isData = /^([{[]|file_name,)/.test(stdout)
  if (isData) entries.numbers[`printed by ${command}`] = await dataOf(stdout, normaliser)
  entries.output[command] = {
    status,
    stdout: isData ? '<data>' : linesOf(normaliseText(stdout, normaliser)),
    stderr: linesOf(normaliseText(stderr, normaliser)),
  }
}

async function dataOf(text: string, normaliser: Normaliser): Promise<Value> {
  if (text.startsWith('file_name,')) return linesOf(normaliseText(text, normaliser))
  return (await normaliseJson(JSON.parse(text), normaliser)).value
}
