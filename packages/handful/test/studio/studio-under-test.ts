/** A studio on images of its own, as its tests reach it: by plain HTTP, as a hostile program would. */
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { type IncomingHttpHeaders, request } from 'node:http'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { fileURLToPath } from 'node:url'
import sharp from 'sharp'
import type { Answers, Asked, Events, RequestName, Views } from '../../src/studio/protocol.js'
import { type RunningStudio, startStudio } from '../../src/studio/serve.js'

const dist = fileURLToPath(new URL('../../dist/', import.meta.url))

/** The command line with its trainings cut to two steps, so that a test takes seconds. */
const SHORT = `
import { pathToFileURL } from 'node:url'
const at = process.argv.indexOf('--minutes')
if (at > 0) process.argv.splice(at, 2, '--steps', process.env.STUDIO_TEST_STEPS ?? '2', '--patches', '0')
await import(pathToFileURL(${JSON.stringify(path.join(dist, 'cli/main.js'))}).href)
`

export interface Reply {
  readonly status: number
  readonly headers: IncomingHttpHeaders
  readonly body: Buffer
}

export interface Sent {
  readonly method?: string
  readonly headers?: Readonly<Record<string, string>>
  readonly body?: string | Buffer
}

/** One request by a socket of its own: no client adds an origin, a cookie or a host. */
export const send = (port: number, address: string, { method, headers, body }: Sent = {}): Promise<Reply> =>
  new Promise((resolve, reject) => {
    const sent = request(
      { host: '127.0.0.1', port, path: address, method, headers, agent: false },
      (answer) => {
        const chunks: Buffer[] = []
        answer.on('data', (chunk: Buffer) => chunks.push(chunk))
        answer.on('error', reject)
        answer.on('end', () =>
          resolve({ status: answer.statusCode ?? 0, headers: answer.headers, body: Buffer.concat(chunks) }),
        )
      },
    )
    sent.on('error', reject)
    sent.end(body)
  })

/** A page that has been let in. */
export class Client {
  private constructor(
    readonly port: number,
    readonly cookie: string,
  ) {}

  static async open({ port, address }: Pick<RunningStudio, 'port' | 'address'>): Promise<Client> {
    const { headers } = await send(port, new URL(address).pathname + new URL(address).search)
    const [cookie = ''] = headers['set-cookie'] ?? []
    return new Client(port, cookie.split(';')[0])
  }

  get own(): Record<string, string> {
    const origin = `http://127.0.0.1:${this.port}`
    return { cookie: this.cookie, origin, 'content-type': 'application/json' }
  }

  async ask<N extends RequestName>(name: N, body: Asked<N>): Promise<Answers[N]> {
    const sent = { method: 'POST', headers: this.own, body: JSON.stringify(body) }
    return answered(await send(this.port, `/api/${name}`, sent)) as Answers[N]
  }

  async view<N extends keyof Views>(name: N, query = ''): Promise<Views[N]> {
    return answered(await send(this.port, `/api/${name}${query}`, { headers: this.own })) as Views[N]
  }

  /** Events as they come. @returns what ends it */
  events(told: <N extends keyof Events>(name: N, value: Events[N]) => void): () => void {
    const { port, own: headers } = this
    const asked = request(
      { host: '127.0.0.1', port, path: '/api/events', headers, agent: false },
      (answer) => {
        let rest = ''
        answer.setEncoding('utf8').on('data', (text: string) => {
          const blocks = (rest + text).split('\n\n')
          rest = blocks.pop() ?? ''
          for (const block of blocks) {
            const [, name] = /^event: (.*)$/m.exec(block) ?? []
            const [, data] = /^data: (.*)$/m.exec(block) ?? []
            if (name !== undefined && data !== undefined)
              told(name as keyof Events, JSON.parse(data) as never)
          }
        })
        answer.on('error', () => {})
      },
    )
    asked.on('error', () => {})
    asked.end()
    return () => void asked.destroy()
  }
}

function answered({ status, body }: Reply): unknown {
  const value: unknown = JSON.parse(body.toString())
  if (status === 200) return value
  throw new Error(`${status}: ${(value as { readonly error: string }).error}`)
}

/** Until it holds. */
export async function until<T>(look: () => Promise<T | undefined> | T | undefined, seconds = 60): Promise<T> {
  const latest = Date.now() + 1000 * seconds
  for (;;) {
    const found = await look()
    if (found !== undefined) return found
    if (Date.now() > latest) throw new Error(`waited ${seconds} s for what never came`)
    await new Promise((resolve) => setTimeout(resolve, 25))
  }
}

export class Bench {
  readonly images: string
  readonly runs: string
  readonly faults: Error[] = []
  readonly #studios: RunningStudio[] = []

  private constructor(readonly folder: string) {
    this.images = path.join(folder, 'shapes')
    this.runs = path.join(folder, 'runs')
  }

  /** @param names of the images' files, in three kinds by turns */
  static async make(names: readonly string[]): Promise<Bench> {
    const bench = new Bench(await mkdtemp(path.join(tmpdir(), 'handful-studio-')))
    await mkdir(bench.images)
    await writeFile(path.join(bench.folder, 'short.mjs'), SHORT)
    await Promise.all(names.map(async (name, i) => writeFile(path.join(bench.images, name), await shape(i))))
    return bench
  }

  async start(place: string | undefined = this.images): Promise<RunningStudio> {
    const studio = await startStudio({
      place,
      port: 0,
      page: path.join(dist, 'page'),
      runs: this.runs,
      threads: 1,
      program: [process.execPath, path.join(this.folder, 'short.mjs')],
      environment: process.env,
      cache: path.join(this.folder, 'cache'),
      onFault: (error) => void this.faults.push(error),
    })
    this.#studios.push(studio)
    return studio
  }

  /** A studio with its images opened, and a client of it. */
  async open(place?: string): Promise<{ studio: RunningStudio; client: Client }> {
    const studio = await this.start(place)
    const client = await Client.open(studio)
    await until(async () => {
      const { images, trouble } = await client.view('state')
      if (trouble !== undefined) throw new Error(trouble)
      return images > 0 ? true : undefined
    })
    return { studio, client }
  }

  async end(): Promise<void> {
    await Promise.all(this.#studios.map((studio) => studio.close()))
    await rm(this.folder, { recursive: true, force: true })
  }
}

export const plainNames = (count: number): string[] =>
  Array.from({ length: count }, (_, i) => `image-${String(i).padStart(3, '0')}.png`)

/** 0 a disc, 1 a bar, 2 a cross; each somewhere else. */
export const kindOf = (i: number): number => i % 3

async function shape(i: number): Promise<Buffer> {
  const [x, y] = [3 + ((i * 7) % 9), 3 + ((i * 5) % 9)]
  const kinds = [
    `<circle cx="${x + 8}" cy="${y + 8}" r="8"/>`,
    `<rect x="${x}" y="${y}" width="18" height="5"/>`,
    `<rect x="${x + 6}" y="${y}" width="4" height="18"/><rect x="${x}" y="${y + 6}" width="16" height="4"/>`,
  ]
  const drawn = `<svg width="32" height="32"><rect width="32" height="32"/><g fill="white">${kinds[kindOf(i)]}</g></svg>`
  return sharp(Buffer.from(drawn)).png().toBuffer()
}
