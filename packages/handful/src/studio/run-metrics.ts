/** What a training has written of itself: curves out of metrics.jsonl, pictures out of samples/. */
import { createHash } from 'node:crypto'
import { readdir, readFile, stat } from 'node:fs/promises'
import path from 'node:path'
import { RUN_FILES } from '../runs/run-files.js'
import { type Metrics, PICTURE_KINDS } from './protocol.js'
import { TrainingCurves } from './training-curves.js'

/** Ids of pictures to their files: no path ever comes from a page. */
export class RunMetrics {
  readonly #pictures = new Map<string, string>()
  readonly #curves = new Map<string, TrainingCurves>()

  /** A run that has written nothing yet has no curves. */
  async of(run: string, folder: string): Promise<Metrics> {
    const file = path.join(folder, RUN_FILES.metrics)
    const read = this.#curves.get(file) ?? new TrainingCurves(file)
    this.#curves.set(file, read)
    await read.refresh()
    const { curves, last } = read
    const pictures: Metrics['pictures'][number][] = []
    const names = await readdir(path.join(folder, RUN_FILES.samples)).catch(() => [])
    for (const kind of PICTURE_KINDS) {
      for (const { name, step } of picturesOf(names, kind)) {
        const file = path.join(folder, RUN_FILES.samples, name)
        const changed = (await stat(file).catch(() => undefined))?.mtimeMs
        if (changed === undefined) continue
        const id = createHash('sha256').update(`${file}\0${changed}`).digest('base64url').slice(0, 32)
        this.#pictures.set(id, file)
        pictures.push({ id, kind, step: step ?? last })
      }
    }
    return { run, curves, pictures: pictures.sort((a, b) => a.step - b.step) }
  }

  /** Undefined for an id that was never given, or whose file is gone. */
  async picture(id: string): Promise<Buffer | undefined> {
    const file = this.#pictures.get(id)
    return file === undefined ? undefined : readFile(file).catch(() => undefined)
  }
}

/** `samples.png` of the end, and `samples-1200.png` of a step. */
function picturesOf(names: readonly string[], kind: string): { name: string; step: number | undefined }[] {
  const form = new RegExp(`^${kind}(?:-(\\d{1,9}))?\\.png$`)
  return names.flatMap((name) => {
    const found = form.exec(name)
    if (found === null) return []
    // The group is undefined where it took no part, whatever its type says.
    const step = found.at(1)
    return [{ name, step: step === undefined ? undefined : Number(step) }]
  })
}
