/** Reads the lines that a journal has grown by, step by step: what was cut short by a killed process is passed over and told. */
import { createHash, type Hash } from 'node:crypto'
import type { FileHandle } from 'node:fs/promises'
import { parseLine, type JournalLine } from './journal-lines.js'
import { type Changes, JournalState } from './journal-state.js'

export interface PassedOver {
  /** 1 for the first. */
  readonly line: number
  readonly reason: string
}

const PIECE_BYTES = 4 * 2 ** 20
const LINE_END = 0x0a

/** What was read of a journal, up to the end of a step. */
export interface Read {
  readonly state: JournalState
  readonly passedOver: readonly PassedOver[]
  readonly bytes: number
  readonly lines: number
  /** Of these bytes. */
  readonly hash: Hash
}

export class JournalReader {
  readonly state: JournalState
  readonly passedOver: PassedOver[]
  /** Bytes that are read. */
  offset: number
  /** Bytes that a snapshot holds the outcome of. */
  snapshotAt: number
  #line: number
  readonly #hash: Hash
  /** A line that has not come to its end yet. */
  #rest = Buffer.alloc(0)
  /** Of a step that has not come to its end yet. */
  #open: JournalLine[] = []

  /** @param keeps as JournalState has it, where nothing is known yet */
  constructor(known?: Read, keeps?: number) {
    this.state = known?.state ?? new JournalState(undefined, keeps)
    this.passedOver = [...(known?.passedOver ?? [])]
    this.offset = this.snapshotAt = known?.bytes ?? 0
    this.#line = known?.lines ?? 0
    this.#hash = known?.hash ?? createHash('sha256')
  }

  /** Undefined amid a step. */
  get read(): Read | undefined {
    if (this.endsAmidLine || this.#open.length > 0) return undefined
    const { state, passedOver, offset } = this
    return { state, passedOver, bytes: offset, lines: this.#line, hash: this.#hash.copy() }
  }

  /** Whether the file ends amid a line. */
  get endsAmidLine(): boolean {
    return this.#rest.length > 0
  }

  async readOn(file: FileHandle, changes: Changes | undefined): Promise<void> {
    for (;;) {
      const { buffer, bytesRead } = await file.read(Buffer.alloc(PIECE_BYTES), 0, PIECE_BYTES, this.offset)
      if (bytesRead === 0) return
      this.offset += bytesRead
      this.#hash.update(buffer.subarray(0, bytesRead))
      this.#takeBytes(Buffer.concat([this.#rest, buffer.subarray(0, bytesRead)]), changes)
    }
  }

  /** Nobody writes any more: a step that is open was cut short. */
  closeOpenStep(): void {
    if (this.#open.length > 0) this.#passOpenOver()
  }

  #takeBytes(bytes: Buffer, changes: Changes | undefined): void {
    const end = bytes.lastIndexOf(LINE_END) + 1
    this.#rest = Buffer.from(bytes.subarray(end))
    if (end === 0) return
    for (const text of bytes.toString('utf8', 0, end - 1).split('\n')) this.#takeLine(text, changes)
  }

  #takeLine(text: string, changes: Changes | undefined): void {
    this.#line++
    if (text === '') return
    const line = parseLine(text)
    if (typeof line === 'string') {
      this.#passOver(line)
      return
    }
    if (this.#open.length > 0 && this.#open[0].step !== line.step) this.#passOpenOver()
    this.#open.push(line)
    if (this.#open.length < line.of) return
    const lines = this.#open
    this.#open = []
    const trouble = this.state.take(lines, changes)
    if (trouble !== undefined) this.#passOver(trouble)
  }

  #passOpenOver(): void {
    const [{ step, of }] = this.#open
    this.#passOver(`step ${step} has ${this.#open.length} of its ${of} lines: it was never acknowledged`)
    this.state.passOver(this.#open)
    this.#open = []
  }

  #passOver(reason: string): void {
    this.passedOver.push({ line: this.#line, reason })
  }
}
