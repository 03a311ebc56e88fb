/**
 * What a recording is: a folder with one JSON file for each run, and manifest.json. A run's entries are sorted by what a
 * difference in them would mean, so that "a weight has changed" and "a picture is compressed otherwise" are told apart.
 */
import { mkdir, readFile, writeFile } from 'node:fs/promises'
import path from 'node:path'

export const CATEGORIES = {
  numbers:
    'predictions, losses, features, weights, accuracies, data of reports and studies, pixels of pictures',
  output: 'exit status, stdout and stderr of each command',
  files: 'which files and folders there are',
  keys: 'keys of stages and checkpoints: with others, old runs are not gone on with',
  pages: 'report.html, report.md and other text',
  svg: 'figures',
  onnx: 'bytes of ONNX files; what they compute is in the numbers',
  bytes: 'bytes of PNG, Parquet and safetensors files, whose contents are in the numbers',
} as const

export type Category = keyof typeof CATEGORIES
export const CATEGORY_NAMES = Object.keys(CATEGORIES) as Category[]

export type Value = null | boolean | number | string | readonly Value[] | { readonly [name: string]: Value }

/** By category, then by the file (or command) that it is of. */
export type Entries = Record<Category, Record<string, Value>>

export interface RecordedRun {
  readonly name: string
  readonly entries: Entries
}

export interface Manifest {
  readonly node: string
  readonly startedAt: string
  readonly seconds: number
  readonly runs: readonly { readonly name: string; readonly commands: number; readonly seconds: number }[]
}

export const emptyEntries = (): Entries =>
  Object.fromEntries(CATEGORY_NAMES.map((name) => [name, {}])) as Entries

export async function writeRun(folder: string, run: RecordedRun): Promise<void> {
  await mkdir(folder, { recursive: true })
  await writeFile(path.join(folder, `${run.name}.json`), `${JSON.stringify(run, null, 1)}\n`)
}

export async function readRun(folder: string, name: string): Promise<RecordedRun> {
  return JSON.parse(await readFile(path.join(folder, `${name}.json`), 'utf8')) as RecordedRun
}

/** Runs that are in the recording already and were not made again stay in it. */
export async function writeManifest(folder: string, manifest: Manifest): Promise<void> {
  await mkdir(folder, { recursive: true })
  const before = await readManifest(folder).catch(() => undefined)
  const again = new Set(manifest.runs.map(({ name }) => name))
  const runs = [...(before?.runs ?? []).filter(({ name }) => !again.has(name)), ...manifest.runs]
  await writeFile(path.join(folder, 'manifest.json'), `${JSON.stringify({ ...manifest, runs }, null, 2)}\n`)
}

export async function readManifest(folder: string): Promise<Manifest> {
  return JSON.parse(await readFile(path.join(folder, 'manifest.json'), 'utf8')) as Manifest
}
