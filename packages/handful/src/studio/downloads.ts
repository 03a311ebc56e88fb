/**
 * Files to take away. Tables are written here; model and report are made by the command line on the run, as a person would,
 * in a process that may take its time.
 */
import { spawn } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { createReadStream } from 'node:fs'
import { readFile, rm, stat } from 'node:fs/promises'
import path from 'node:path'
import { Readable } from 'node:stream'
import { HandfulError } from '../errors.js'
import { besideModel } from '../exports/model-files.js'
import { makeFolders, writeFileAtomic } from '../files/atomic.js'
import { formatCsvRow } from '../files/csv-row.js'
import { zipFolder } from '../files/zip-folder.js'
import { labelCsv } from '../labelling/label-table.js'
import { RUN_FILES } from '../runs/run-files.js'
import type { Labelling } from './labelling.js'
import type { Exported, Predictions } from './protocol.js'

const TYPES: Readonly<Record<string, string>> = {
  '.csv': 'text/csv; charset=utf-8',
  '.html': 'text/html; charset=utf-8',
  '.onnx': 'application/octet-stream',
  '.zip': 'application/zip',
}

/** Of what a process says, for the message where it fails. */
const MOST_HEARD = 20_000

export interface DownloadsOptions {
  /** Where files are made. */
  readonly folder: string
  readonly program: readonly string[]
  readonly threads: number
  readonly environment: NodeJS.ProcessEnv
}

interface Offered {
  readonly file: string
  readonly name: string
}

export class Downloads {
  readonly #options: DownloadsOptions
  readonly #offered = new Map<string, Offered>()
  /** One at a time: two would write the same run. */
  #turn: Promise<unknown> = Promise.resolve()

  constructor(options: DownloadsOptions) {
    this.#options = options
  }

  async labels(labelling: Labelling): Promise<Exported> {
    return this.#written('labels.csv', [...labelCsv(labelling.rows())])
  }

  /** @throws HandfulError where there are none */
  async predictions(
    paths: readonly string[],
    { classes, probabilities, revision }: Predictions,
    labelling: Labelling,
  ): Promise<Exported> {
    if (revision === 0 || !classes.some((id) => id >= 0)) {
      const [got, expected] = ['none yet', 'a trained run, and labels of two classes']
      throw new HandfulError({ what: 'predictions', got, expected })
    }
    const known = new Map(labelling.rows().map(({ image, label }) => [image, label]))
    const lines = paths.map((image, i) => {
      const name = labelling.nameOf(classes[i]) ?? ''
      const probability = name === '' ? '' : String(probabilities[i])
      return formatCsvRow([image, known.get(image) ?? '', name, probability])
    })
    return this.#written('predictions.csv', [
      formatCsvRow(['file_name', 'label', 'predicted', 'probability']),
      ...lines,
    ])
  }

  /** @param run full path @throws HandfulError with what the command said */
  report(run: string): Promise<Exported> {
    return this.#inTurn(async () => {
      await this.#command(['refit', run])
      return this.#offer(path.join(run, RUN_FILES.reportPage), 'report.html')
    })
  }

  /** @param run full path @throws HandfulError with what the command said */
  model(run: string): Promise<Exported> {
    return this.#inTurn(async () => {
      const file = await this.#export(run)
      return this.#offer(file, path.basename(file))
    })
  }

  /** What `handful export` writes, all of it: what the model says of itself, its test, its card and the page to try it. */
  package(run: string): Promise<Exported> {
    return this.#inTurn(async () => {
      const model = await this.#export(run)
      const file = path.join(this.#options.folder, `${path.basename(run)}.zip`)
      await zipFolder(path.dirname(model), path.basename(run), file)
      return this.#offer(file, path.basename(file))
    })
  }

  async #export(run: string): Promise<string> {
    await this.#command(['refit', run])
    const name = path.basename(run)
    const folder = path.join(this.#options.folder, name)
    const file = path.join(folder, `${name}.onnx`)
    await makeFolders(folder)
    // Not every model gets one: an earlier one's page would stand beside this.
    await rm(besideModel(file).page, { force: true })
    await this.#command(['export', run, '--out', file])
    return file
  }

  /** Undefined for an id that was never given, or whose file is gone. */
  async open(id: string) {
    const offered = this.#offered.get(id)
    const found = offered && (await stat(offered.file).catch(() => undefined))
    if (offered === undefined || found === undefined) return undefined
    const type = TYPES[path.extname(offered.file)] ?? 'application/octet-stream'
    const body = Readable.toWeb(createReadStream(offered.file)) as ReadableStream<Uint8Array>
    return { body, type, bytes: found.size, saveAs: offered.name }
  }

  /** A file that is a page, to be shown rather than saved; undefined for any other. */
  async page(id: string) {
    const offered = this.#offered.get(id)
    if (offered === undefined || path.extname(offered.file) !== '.html') return undefined
    const body = await readFile(offered.file).catch(() => undefined)
    return body && { body, type: TYPES['.html'] }
  }

  #inTurn<T>(work: () => Promise<T>): Promise<T> {
    const result = this.#turn.then(work, work)
    this.#turn = result.catch(() => {})
    return result
  }

  async #written(name: string, lines: readonly string[]): Promise<Exported> {
    const file = path.join(this.#options.folder, name)
    await writeFileAtomic(file, lines)
    return this.#offer(file, name)
  }

  async #offer(file: string, name: string): Promise<Exported> {
    const { size } = await stat(file)
    const id = randomBytes(16).toString('hex')
    this.#offered.set(id, { file, name })
    return { id, file: name, bytes: size }
  }

  async #command(words: readonly string[]): Promise<void> {
    const { program, environment, threads } = this.#options
    const [command, ...before] = program
    const child = spawn(command, [...before, ...words, '--threads', String(threads), '--quiet'], {
      env: environment,
      stdio: ['ignore', 'ignore', 'pipe'],
      windowsHide: true,
    })
    let heard = ''
    child.stderr.setEncoding('utf8').on('data', (text: string) => {
      heard = (heard + text).slice(-MOST_HEARD)
    })
    const code = await new Promise<number | null>((resolve, reject) => {
      child.once('error', reject)
      child.once('close', resolve)
    })
    if (code === 0) return
    const said = /^error: (.+)$/m.exec(heard)?.at(1)
    throw new HandfulError({
      what:
        said ?? `handful ${words[0]}: its process ended with ${code === null ? 'a signal' : `code ${code}`}`,
    })
  }
}
