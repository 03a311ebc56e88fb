/**
 * Who gets in: the person's own page, and nobody else. The server listens on the loopback address alone, but any page in the
 * same browser can send requests there, and a name that a hostile server gives can lead there (DNS rebinding). So
 *
 *     Host      has to be this address: another name means that a name leads here that should not
 *     Origin    has to be this address wherever there is one, and there has to be one on whatever changes something
 *     cookie    has to hold the token of this start, on every route; HttpOnly and SameSite=Strict
 *
 * The token comes in the opened address once, becomes the cookie, and is gone from the address.
 */
import { createHash, randomBytes, timingSafeEqual } from 'node:crypto'
import type { Context, MiddlewareHandler } from 'hono'
import { getCookie, setCookie } from 'hono/cookie'

/** 256 bits, as they stand in an address. */
export const newToken = (): string => randomBytes(32).toString('base64url')

export interface GuardOptions {
  readonly token: string
  /** Known once the server listens. */
  readonly port: () => number
}

/** Nothing from elsewhere, no script in the page, no frame around it; frames in it hold reports (routes.ts). Styles set by script are no inline styles. */
const CONTENT_POLICY = [
  "default-src 'none'",
  "script-src 'self' 'wasm-unsafe-eval'",
  "style-src 'self'",
  "img-src 'self' blob: data:",
  "connect-src 'self'",
  "worker-src 'self' blob:",
  "frame-src 'self'",
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
].join('; ')

const HEADERS: Readonly<Record<string, string>> = {
  'Content-Security-Policy': CONTENT_POLICY,
  'X-Content-Type-Options': 'nosniff',
  'X-Frame-Options': 'DENY',
  'Referrer-Policy': 'no-referrer',
  'Cross-Origin-Opener-Policy': 'same-origin',
  'Cross-Origin-Embedder-Policy': 'require-corp',
  'Cross-Origin-Resource-Policy': 'same-origin',
  'Permissions-Policy': 'camera=(), microphone=(), geolocation=(), interest-cohort=()',
}

/** Of every answer, refusals among them; a route may have said something stricter. */
export const securityHeaders: MiddlewareHandler = async (context, next) => {
  await next()
  for (const [name, value] of Object.entries(HEADERS)) {
    if (!context.res.headers.has(name)) context.res.headers.set(name, value)
  }
  if (!context.res.headers.has('Cache-Control')) context.res.headers.set('Cache-Control', 'no-store')
}

export function guard({ token, port }: GuardOptions): MiddlewareHandler {
  // Servers on other ports of this machine share its cookies: each has a name of its own.
  const cookie = (): string => `handful-${port()}`
  return async (context, next) => {
    const hosts = ['127.0.0.1', 'localhost', '[::1]'].map((name) => `${name}:${port()}`)
    const host = context.req.header('host')
    if (host === undefined || !hosts.includes(host)) return refused(context, 'another host')
    if (!originFits(context, `http://${host}`)) return refused(context, 'another origin')
    if (context.req.path === '/' && context.req.query('token') !== undefined) {
      if (!same(context.req.query('token') ?? '', token)) return refused(context, 'another token')
      setCookie(context, cookie(), token, { httpOnly: true, sameSite: 'Strict', path: '/' })
      return context.redirect('/', 303)
    }
    if (!same(getCookie(context, cookie()) ?? '', token)) return refused(context, 'no token')
    return next()
  }
}

/** Opening an address by hand has no origin; whatever changes something is asked by the page itself. */
function originFits(context: Context, own: string): boolean {
  const origin = context.req.header('origin')
  if (origin !== undefined && origin !== own) return false
  const site = context.req.header('sec-fetch-site')
  const reads = context.req.method === 'GET' || context.req.method === 'HEAD'
  if (reads) {
    // A link from elsewhere to the page itself is harmless: its cookie does not come along.
    const isPage = context.req.path === '/'
    return site === undefined || site === 'same-origin' || site === 'none' || isPage
  }
  return origin === own && (site === undefined || site === 'same-origin')
}

/** In the same time wherever they differ, and whatever their lengths. */
function same(given: string, expected: string): boolean {
  const digest = (text: string): Buffer => createHash('sha256').update(text).digest()
  return timingSafeEqual(digest(given), digest(expected))
}

function refused(context: Context, got: string): Response {
  const hint = 'open the address that the studio has printed where it was started'
  return context.json({ error: `request: got ${got}, expected one of the studio's own page; ${hint}` }, 403)
}
