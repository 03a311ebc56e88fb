/**
 * The routes: requests, views, pictures and events of protocol.ts, and the page's files. What is not here is not there. Bodies
 * are JSON within a limit and checked by the protocol's own schemas; no answer holds a stack trace.
 */
import { Hono, type Context } from 'hono'
import { bodyLimit } from 'hono/body-limit'
import { streamSSE } from 'hono/streaming'
import type { z } from 'zod'
import { HandfulError, printable } from '../errors.js'
import type { EventHub } from './event-hub.js'
import { guard, type GuardOptions, securityHeaders } from './guard.js'
import type { PageFiles } from './page-files.js'
import { forThePage } from './page-words.js'
import { LIMIT_PACK_BYTES } from './uploads.js'
import { type Answers, type RequestName, requests, type Views } from './protocol.js'

const LIMIT_BYTES = 2 ** 20
/** A million decisions, each `{"image":1000000,"label":"none"},`. */
const LIMIT_LABEL_BYTES = 40 * 2 ** 20
const HEARTBEAT_MS = 15_000
/** How long a page waits before it connects again. */
const RETRY_MS = 1000

/** A picture or a file on its way to the page. */
export interface Served {
  readonly body: Uint8Array | ReadableStream<Uint8Array>
  readonly type: string
  readonly etag?: string
  /** Seconds that the browser may keep it for; not at all where left out. */
  readonly maxAge?: number
  /** Offered to be saved under this name. */
  readonly saveAs?: string
  readonly bytes?: number
}

export type Handlers = {
  readonly [N in RequestName]: (body: z.output<(typeof requests)[N]>) => Promise<Answers[N]>
}
export type Viewers = {
  readonly [N in keyof Views]: (parameters: Readonly<Record<string, string>>) => Promise<Views[N]> | Views[N]
}

/** What answers; by ids only, and undefined for an id that there is not. */
export interface Answering {
  readonly requests: Handlers
  readonly views: Viewers
  readonly events: EventHub
  thumbnail(image: number): Promise<Served | undefined>
  original(image: number): Promise<Served | undefined>
  found(index: number): Promise<Served | undefined>
  picture(id: string): Promise<Served | undefined>
  download(id: string): Promise<Served | undefined>
  /** A report as a page, for a frame. */
  page(id: string): Promise<Served | undefined>
  upload(id: string, pack: Buffer): Promise<void>
  /** Told of an answer that failed where it should not have. */
  failed(error: Error): void
}

export interface RoutesOptions extends GuardOptions {
  readonly studio: Answering
  readonly page: PageFiles
}

export function routes({ studio, page, ...options }: RoutesOptions): Hono {
  const app = new Hono()
  app.use(securityHeaders)
  app.use(guard(options))
  for (const name of Object.keys(requests) as RequestName[]) addRequest(app, name, studio)
  for (const [name, view] of Object.entries(studio.views)) {
    app.get(`/api/${name}`, async (context) => context.json(await view(context.req.query())))
  }
  addPictures(app, studio)
  addUpload(app, studio)
  app.get('/api/events', (context) => events(context, studio.events))
  app.get('*', async (context, next) => {
    const file = await page.read(context.req.path)
    if (file === undefined) return next()
    const { body, type, etag, cache } = file
    return sent(context, { body, type, etag }, cache)
  })
  app.notFound((context) => context.json({ error: 'address: got one that there is not' }, 404))
  app.onError((error, context) => {
    if (!(error instanceof HandfulError)) studio.failed(error)
    return context.json({ error: messageOf(error) }, statusOf(error))
  })
  return app
}

function addRequest<N extends RequestName>(app: Hono, name: N, { requests: handlers }: Answering): void {
  const maxSize = name === 'label' ? LIMIT_LABEL_BYTES : LIMIT_BYTES
  const tooLarge = (context: Context) =>
    context.json({ error: `request ${name}: got more than ${maxSize / 2 ** 20} MiB` }, 413)
  app.post(`/api/${name}`, bodyLimit({ maxSize, onError: tooLarge }), async (context) => {
    const type = context.req.header('content-type')?.split(';')[0].trim().toLowerCase()
    if (type !== 'application/json') {
      return context.json({ error: `request ${name}: got another type, expected application/json` }, 415)
    }
    const body: unknown = await context.req.json().catch(() => undefined)
    const parsed = requests[name].safeParse(body)
    if (!parsed.success) {
      const [issue] = parsed.error.issues
      const where = issue.path.length === 0 ? '' : ` (${printable(issue.path.join('.'))})`
      return context.json({ error: printable(`request ${name}${where}: ${issue.message}`) }, 400)
    }
    // The schema of this name gave it: what a union over names cannot say.
    const handler = handlers[name] as (body: unknown) => Promise<Answers[N]>
    return context.json(await handler(parsed.data))
  })
}

function addUpload(app: Hono, studio: Answering): void {
  const onError = (context: Context) =>
    context.json({ error: `upload: got more than ${LIMIT_PACK_BYTES / 2 ** 20} MiB at once` }, 413)
  const limit = bodyLimit({ maxSize: LIMIT_PACK_BYTES, onError })
  app.post('/api/upload/:id{[0-9a-f]{32}}', limit, async (context) => {
    await studio.upload(context.req.param('id'), Buffer.from(await context.req.arrayBuffer()))
    return context.json({})
  })
}

function addPictures(app: Hono, studio: Answering): void {
  const byImage = {
    thumbnail: studio.thumbnail.bind(studio),
    original: studio.original.bind(studio),
    found: studio.found.bind(studio),
  }
  for (const [name, find] of Object.entries(byImage)) {
    app.get(`/api/${name}/:image{[0-9]{1,9}}`, async (context, next) => {
      const found = await find(Number(context.req.param('image')))
      return found === undefined ? next() : sent(context, found)
    })
  }
  app.get('/api/page/:id{[A-Za-z0-9_-]{1,80}}', async (context, next) => {
    const found = await studio.page(context.req.param('id'))
    return found === undefined ? next() : sent(context, found, 'no-store', OF_A_REPORT)
  })
  const byId = { picture: studio.picture.bind(studio), download: studio.download.bind(studio) }
  for (const [name, find] of Object.entries(byId)) {
    app.get(`/api/${name}/:id{[A-Za-z0-9_-]{1,80}}`, async (context, next) => {
      const found = await find(context.req.param('id'))
      return found === undefined ? next() : sent(context, found)
    })
  }
}

/**
 * A report is HTML that holds names of files and classes. It has no scripts; the frame that shows it would run none, reach
 * nothing and be of no origin whatever were in it.
 */
const OF_A_REPORT = {
  'Content-Security-Policy':
    "default-src 'none'; style-src 'unsafe-inline'; img-src data:; font-src data:; sandbox; frame-ancestors 'self'",
  'X-Frame-Options': 'SAMEORIGIN',
}

/** What someone else made is shown as a picture or saved, and runs nothing even where it is opened by itself. */
const OF_OTHERS = "default-src 'none'; sandbox; frame-ancestors 'none'"

function sent(
  context: Context,
  served: Served,
  cache?: string,
  more?: Readonly<Record<string, string>>,
): Response {
  const { body, type, etag, maxAge, saveAs, bytes } = served
  const headers: Record<string, string> = { 'Content-Type': type, ...more }
  if (cache === undefined) headers['Content-Security-Policy'] = OF_OTHERS
  headers['Cache-Control'] = cache ?? (maxAge === undefined ? 'no-store' : `private, max-age=${maxAge}`)
  if (etag !== undefined) headers.ETag = etag
  if (bytes !== undefined) headers['Content-Length'] = String(bytes)
  if (saveAs !== undefined) headers['Content-Disposition'] = disposition(saveAs)
  if (etag !== undefined && context.req.header('if-none-match') === etag) {
    if (body instanceof ReadableStream) void body.cancel()
    return context.body(null, 304, headers)
  }
  return context.body(body instanceof ReadableStream ? body : new Uint8Array(body), 200, headers)
}

/** RFC 6266: any name, without a character that ends the header. */
const disposition = (name: string): string =>
  `attachment; filename*=UTF-8''${encodeURIComponent(name).replace(/['()*]/g, (each) => `%${each.charCodeAt(0).toString(16)}`)}`

function events(context: Context, hub: EventHub): Response {
  return streamSSE(context, async (stream) => {
    let last: Promise<unknown> = stream.writeSSE({ ...written(hub.present()), retry: RETRY_MS })
    const end = hub.on((event) => {
      last = last.then(() => stream.writeSSE(written(event))).catch(() => {})
    })
    const beat = setInterval(() => {
      last = last.then(() => stream.write(': \n\n')).catch(() => {})
    }, HEARTBEAT_MS)
    await new Promise<void>((resolve) => {
      stream.onAbort(() => resolve())
      if (stream.aborted || stream.closed) resolve()
    })
    clearInterval(beat)
    end()
  })
}

const written = ({ id, name, data }: ReturnType<EventHub['present']>) => ({
  id: String(id),
  event: name,
  data,
})

function messageOf(error: Error): string {
  if (error instanceof HandfulError) return forThePage(error.message)
  return printable(error.message.replace(/\s+/g, ' ')) || 'not foreseen'
}

/** 400 for what the person can put right. */
const statusOf = (error: Error): 400 | 500 => (error instanceof HandfulError ? 400 : 500)
