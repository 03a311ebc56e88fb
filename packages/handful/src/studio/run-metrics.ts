/** What a training has written of itself: curves out of metrics.jsonl, pictures out of samples/. */
import { createHash } from 'node:crypto'
import { readdir, readFile, stat } from 'node:fs/promises'
import path from 'node:path'
import { z } from 'zod'
import { jsonOrNothing } from '../files/json.js'
import { RUN_FILES } from '../runs/run-folder.js'
import type { Metrics } from './protocol.js'

const MOST_POINTS = 1000

const lineSchema = z.object({ stage: z.string(), step: z.number() }).catchall(z.unknown())

/** Null where a loss was no number any more: JSON has none for it. */
type Point = readonly [step: number, value: number | null]

/** Ids of pictures to their files: no path ever comes from a page. */
export class RunMetrics {
  readonly #pictures = new Map<string, string>()

  /** A run that has written nothing yet has no curves. */
  async of(run: string, folder: string): Promise<Metrics> {
    const text = await readFile(path.join(folder, RUN_FILES.metrics), 'utf8').catch(() => '')
    const { curves, last } = curvesOf(text)
    const kinds = ['samples', 'reconstructions'] as const
    const pictures: Metrics['pictures'][number][] = []
    const names = await readdir(path.join(folder, RUN_FILES.samples)).catch(() => [])
    for (const kind of kinds) {
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

function curvesOf(text: string): { curves: Record<string, Point[]>; last: number } {
  const curves = new Map<string, Point[]>()
  let last = 0
  for (const line of text.split('\n')) {
    const parsed = lineSchema.safeParse(jsonOrNothing(line))
    if (!parsed.success) continue
    const { stage: _, step, ...values } = parsed.data
    last = Math.max(last, step)
    for (const [name, value] of Object.entries(values)) {
      if (value !== null && typeof value !== 'number') continue
      const points = curves.get(name) ?? []
      curves.set(name, points)
      points.push([step, value])
    }
  }
  return { curves: Object.fromEntries([...curves].map(([name, points]) => [name, thinned(points)])), last }
}

/** The first and the last stay. */
function thinned(points: Point[]): Point[] {
  if (points.length <= MOST_POINTS) return points
  const stride = (points.length - 1) / (MOST_POINTS - 1)
  return Array.from({ length: MOST_POINTS }, (_, i) => points[Math.round(i * stride)])
}
