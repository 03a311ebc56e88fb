/** Events to every open page. State is told whole, and at most so often: whoever misses one event has all with the next. */
import type { Events } from './protocol.js'

/** Changes that come together are told together. */
const TOGETHER_MS = 40

export interface Told {
  readonly id: number
  readonly name: keyof Events
  /** JSON. */
  readonly data: string
}

export class EventHub {
  readonly #listeners = new Set<(event: Told) => void>()
  #id = 0
  #timer: NodeJS.Timeout | undefined

  constructor(private readonly state: () => Events['state']) {}

  get listeners(): number {
    return this.#listeners.size
  }

  /** @returns what ends it */
  on(listener: (event: Told) => void): () => void {
    this.#listeners.add(listener)
    return () => void this.#listeners.delete(listener)
  }

  tell<N extends Exclude<keyof Events, 'state'>>(name: N, value: Events[N]): void {
    this.#send(name, value)
  }

  /** Tells the state soon, as it is then. */
  stateChanged(): void {
    this.#timer ??= setTimeout(() => {
      this.#timer = undefined
      this.#send('state', this.state())
    }, TOGETHER_MS)
  }

  /** The state as of now, for a page that connects. */
  present(): Told {
    return { id: this.#id, name: 'state', data: JSON.stringify(this.state()) }
  }

  close(): void {
    clearTimeout(this.#timer)
    this.#listeners.clear()
  }

  #send(name: keyof Events, value: unknown): void {
    const event = { id: ++this.#id, name, data: JSON.stringify(value) }
    for (const listener of this.#listeners) listener(event)
  }
}
