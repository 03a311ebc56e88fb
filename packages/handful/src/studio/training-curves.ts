/**
 * The curves of a training out of its metrics.jsonl: what has come is read on, since a page asks once a second and a training of
 * hours writes a line for every step. Curves of any length take the same memory: they keep each second point, then each fourth.
 */
import { open } from 'node:fs/promises'
import { z } from 'zod'
import { jsonOrNothing } from '../files/json.js'

/** Told of a curve, at most; twice as many are kept. */
const MOST_POINTS = 1000
/** Read at once: other requests are answered between two blocks. */
const BLOCK_BYTES = 2 ** 18

const lineSchema = z.object({ stage: z.string(), step: z.number() }).catchall(z.unknown())

/** Null where a loss was no number any more: JSON has none for it. */
export type CurvePoint = readonly [step: number, value: number | null]

export class TrainingCurves {
  #curves = new Map<string, Curve>()
  #offset = 0
  #inode = 0
  /** Bytes of a line whose end has not come. */
  #rest = Buffer.alloc(0)
  #last = 0
  #turn: Promise<void> = Promise.resolve()

  constructor(readonly file: string) {}

  get curves(): Record<string, CurvePoint[]> {
    return Object.fromEntries([...this.#curves].map(([name, curve]) => [name, curve.points]))
  }

  /** The last step. */
  get last(): number {
    return this.#last
  }

  /** Reads what was written since, or all of a file that was written anew: a training that went on from a checkpoint. */
  refresh(): Promise<void> {
    this.#turn = this.#turn.then(() => this.#read())
    return this.#turn
  }

  async #read(): Promise<void> {
    const file = await open(this.file, 'r').catch(() => undefined)
    if (file === undefined) return this.#startAgain(0)
    try {
      const { ino, size } = await file.stat()
      if (ino !== this.#inode || size < this.#offset) this.#startAgain(ino)
      const block = Buffer.alloc(BLOCK_BYTES)
      for (;;) {
        const { bytesRead } = await file.read(block, 0, BLOCK_BYTES, this.#offset)
        if (bytesRead === 0) return
        this.#offset += bytesRead
        this.#take(block.subarray(0, bytesRead))
      }
    } catch {
      // What cannot be read now is asked for again with the next second.
    } finally {
      await file.close()
    }
  }

  #startAgain(inode: number): void {
    this.#curves = new Map()
    this.#offset = 0
    this.#inode = inode
    this.#rest = Buffer.alloc(0)
    this.#last = 0
  }

  #take(block: Buffer): void {
    const bytes = Buffer.concat([this.#rest, block])
    const end = bytes.lastIndexOf('\n') + 1
    this.#rest = Buffer.from(bytes.subarray(end))
    for (const line of bytes.toString('utf8', 0, end).split('\n')) this.#takeLine(line)
  }

  #takeLine(line: string): void {
    const parsed = lineSchema.safeParse(jsonOrNothing(line))
    if (!parsed.success) return
    const { stage: _, step, ...values } = parsed.data
    this.#last = Math.max(this.#last, step)
    for (const [name, value] of Object.entries(values)) {
      if (value !== null && typeof value !== 'number') continue
      const curve = this.#curves.get(name) ?? new Curve()
      this.#curves.set(name, curve)
      curve.add([step, value])
    }
  }
}

class Curve {
  #kept: CurvePoint[] = []
  #every = 1
  #count = 0
  #newest: CurvePoint | undefined

  add(point: CurvePoint): void {
    this.#newest = point
    if (this.#count++ % this.#every !== 0) return
    this.#kept.push(point)
    if (this.#kept.length < 2 * MOST_POINTS) return
    this.#kept = this.#kept.filter((_, i) => i % 2 === 0)
    this.#every *= 2
  }

  /** Evenly, with the first and the newest. */
  get points(): CurvePoint[] {
    const [kept, newest] = [this.#kept, this.#newest]
    const all = newest === undefined || kept[kept.length - 1] === newest ? kept : [...kept, newest]
    if (all.length <= MOST_POINTS) return [...all]
    const stride = (all.length - 1) / (MOST_POINTS - 1)
    return Array.from({ length: MOST_POINTS }, (_, i) => all[Math.round(i * stride)])
  }
}
