/**
 * The estimate after so many labels, as labelling went on: one line each in `labelling/estimates.jsonl`. The last one for a
 * number of labels counts.
 */
import { appendFile, readFile } from 'node:fs/promises'
import path from 'node:path'
import { z } from 'zod'
import { systemCode, systemError } from '../errors.js'
import { makeFolders } from '../files/atomic.js'

const pointSchema = z.object({ labels: z.int().min(0), accuracy: z.number().min(0).max(1) })

export type EstimatePoint = Readonly<z.infer<typeof pointSchema>>

export class EstimateHistory {
  readonly #file: string
  readonly #points = new Map<number, number>()

  private constructor(file: string) {
    this.#file = file
  }

  static async open(folder: string): Promise<EstimateHistory> {
    const history = new EstimateHistory(path.join(folder, 'labelling', 'estimates.jsonl'))
    const text = await readFile(history.#file, 'utf8').catch((error: unknown) => {
      if (systemCode(error) === 'ENOENT') return ''
      throw systemError('reading estimates', history.#file, error)
    })
    for (const line of text.split('\n')) history.#take(line)
    return history
  }

  /** Oldest first. */
  get points(): readonly EstimatePoint[] {
    return [...this.#points]
      .map(([labels, accuracy]) => ({ labels, accuracy }))
      .sort((a, b) => a.labels - b.labels)
  }

  async add({ labels, accuracy }: EstimatePoint): Promise<void> {
    if (this.#points.get(labels) === accuracy) return
    this.#points.set(labels, accuracy)
    await makeFolders(path.dirname(this.#file))
    await appendFile(this.#file, `${JSON.stringify({ labels, accuracy })}\n`)
  }

  /** A line that was cut short says nothing. */
  #take(line: string): void {
    try {
      const { labels, accuracy } = pointSchema.parse(JSON.parse(line))
      this.#points.set(labels, accuracy)
    } catch {
      return
    }
  }
}
