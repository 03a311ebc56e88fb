/** The studio behind a server of the same origin: requests and views by fetch, events by server-sent events. */
import type {
  Answers,
  Asked,
  Events,
  RequestName,
  Studio,
  Views,
} from '../../../handful/src/studio/protocol.js'
import { OutOfReach, Refused } from './failures.js'

const EVENT_NAMES: readonly (keyof Events)[] = ['state', 'labels', 'predictions', 'metrics', 'noise']
const FIRST_WAIT_MS = 300
const LONGEST_WAIT_MS = 3000

type Listeners = { [N in keyof Events]: Set<(value: Events[N]) => void> }

export class HttpStudio implements Studio {
  private readonly listeners: Listeners = {
    state: new Set(),
    labels: new Set(),
    predictions: new Set(),
    metrics: new Set(),
    noise: new Set(),
  }
  private readonly followers = new Set<(connected: boolean) => void>()
  private isConnected = true
  private source: EventSource | undefined
  private wait = FIRST_WAIT_MS

  readonly connected = {
    subscribe: (listener: (connected: boolean) => void): (() => void) => {
      this.followers.add(listener)
      listener(this.isConnected)
      return () => this.followers.delete(listener)
    },
  }

  constructor(private readonly base = '') {
    this.connect()
  }

  async ask<N extends RequestName>(name: N, body: Asked<N>): Promise<Answers[N]> {
    return this.read<Answers[N]>(`${this.base}/api/${name}`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(body),
    })
  }

  async view<N extends keyof Views>(
    name: N,
    parameters: Readonly<Record<string, string>> = {},
  ): Promise<Views[N]> {
    const query = new URLSearchParams(parameters).toString()
    return this.read<Views[N]>(`${this.base}/api/${name}${query === '' ? '' : `?${query}`}`)
  }

  on<N extends keyof Events>(name: N, listener: (value: Events[N]) => void): () => void {
    this.listeners[name].add(listener)
    return () => this.listeners[name].delete(listener)
  }

  async upload(id: string, pack: Blob): Promise<void> {
    const headers = { 'content-type': 'application/octet-stream' }
    await this.read<object>(`${this.base}/api/upload/${id}`, { method: 'POST', headers, body: pack })
  }

  thumbnail = (image: number): string => `${this.base}/api/thumbnail/${image}`
  original = (image: number): string => `${this.base}/api/original/${image}`
  found = (index: number): string => `${this.base}/api/found/${index}`
  picture = (id: string): string => `${this.base}/api/picture/${encodeURIComponent(id)}`
  download = (id: string): string => `${this.base}/api/download/${encodeURIComponent(id)}`

  page = (id: string): string => `${this.base}/api/page/${encodeURIComponent(id)}`

  private async read<T>(address: string, init?: RequestInit): Promise<T> {
    let response: Response
    try {
      response = await fetch(address, { credentials: 'same-origin', ...init })
    } catch {
      throw new OutOfReach('the studio does not answer; is its command still running in the terminal?')
    }
    if (response.status === 502 || response.status === 503 || response.status === 504)
      throw new OutOfReach(`the studio does not answer (${response.status})`)
    const text = await response.text().catch(() => {
      throw new OutOfReach('the connection broke in the middle of an answer')
    })
    if (!response.ok) throw new Refused(refusal(text, response.status))
    // Types are the server's own; both sides are built from one source.
    return JSON.parse(text) as T
  }

  private connect(): void {
    const source = new EventSource(`${this.base}/api/events`)
    this.source = source
    source.addEventListener('open', () => {
      this.wait = FIRST_WAIT_MS
      this.tell(true)
    })
    source.addEventListener('error', () => this.lost(source))
    for (const name of EVENT_NAMES)
      source.addEventListener(name, (event: MessageEvent<string>) => this.emit(name, event.data))
  }

  private emit<N extends keyof Events>(name: N, data: string): void {
    const value = JSON.parse(data) as Events[N]
    for (const listener of this.listeners[name]) listener(value)
  }

  private lost(source: EventSource): void {
    if (this.source !== source) return
    source.close()
    this.source = undefined
    this.tell(false)
    setTimeout(() => this.connect(), this.wait)
    this.wait = Math.min(LONGEST_WAIT_MS, this.wait * 2)
  }

  private tell(connected: boolean): void {
    if (connected === this.isConnected) return
    this.isConnected = connected
    for (const follower of this.followers) follower(connected)
  }
}

/** Errors come as `{ "error": "…" }` or as plain text. */
function refusal(text: string, status: number): string {
  try {
    const parsed: unknown = JSON.parse(text)
    if (
      typeof parsed === 'object' &&
      parsed !== null &&
      'error' in parsed &&
      typeof parsed.error === 'string'
    )
      return parsed.error
  } catch {
    // Not JSON: the text is the message.
  }
  if (status === 403)
    return 'the studio does not know this page; open it again by the address in the terminal'
  return text.trim() === '' ? `the studio refused (${status})` : text.trim().slice(0, 500)
}
