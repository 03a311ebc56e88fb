/** Who gets in: nobody but the page that was opened by the printed address. Each case as a hostile page or program has it. */
import { networkInterfaces } from 'node:os'
import { connect } from 'node:net'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { requests } from '../../src/studio/protocol.js'
import type { RunningStudio } from '../../src/studio/serve.js'
import { Bench, type Client, plainNames, send } from './studio-under-test.js'

const POLICY =
  "default-src 'none'; script-src 'self' 'wasm-unsafe-eval'; style-src 'self'; img-src 'self' blob: data:; " +
  "connect-src 'self'; worker-src 'self' blob:; frame-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"

const READ = [
  '/',
  '/index.html',
  '/api/state',
  '/api/catalogue',
  '/api/labels',
  '/api/predictions',
  '/api/map',
  '/api/results',
  '/api/metrics?run=x',
  '/api/events',
  '/api/thumbnail/0',
  '/api/original/0',
  '/api/picture/x',
  '/api/download/x',
  '/nothing',
]
const ASKED = Object.keys(requests).map((name) => `/api/${name}`)

let bench: Bench
let studio: RunningStudio
let client: Client
let script: string

beforeAll(async () => {
  bench = await Bench.make(plainNames(6))
  ;({ studio, client } = await bench.open())
  const page = (await send(studio.port, '/', { headers: client.own })).body.toString()
  script = /src="\.?(\/assets\/[^"]+\.js)"/.exec(page)?.[1] ?? ''
}, 60_000)
afterAll(() => bench.end())

const status = async (address: string, sent?: Parameters<typeof send>[2]): Promise<number> =>
  (await send(studio.port, address, sent)).status

describe('without the token', () => {
  test('every route refuses: page, script, views, pictures, events, requests', async () => {
    const { origin } = client.own
    expect(script).not.toBe('')
    for (const address of [...READ, script]) expect([address, await status(address)]).toEqual([address, 403])
    for (const address of ASKED) {
      const sent = { method: 'POST', headers: { origin, 'content-type': 'application/json' }, body: '{}' }
      expect([address, await status(address, sent)]).toEqual([address, 403])
    }
  })

  test('another token, or a cookie that is nearly right, is none', async () => {
    expect(await status(`/?token=${'A'.repeat(43)}`)).toBe(403)
    expect(await status('/?token=')).toBe(403)
    expect(await status('/api/state', { headers: { cookie: `${client.cookie}x` } })).toBe(403)
    expect(await status('/api/state', { headers: { cookie: client.cookie.slice(0, -1) } })).toBe(403)
    const other = client.cookie.replace(/^handful-\d+/, 'handful-1')
    expect(await status('/api/state', { headers: { cookie: other } })).toBe(403)
  })

  test('the token becomes a cookie that no script reads and no other site sends', async () => {
    const { status, headers, body } = await send(
      studio.port,
      new URL(studio.address).search.replace('?', '/?'),
    )
    expect(status).toBe(303)
    expect(headers.location).toBe('/')
    expect(headers['set-cookie']).toHaveLength(1)
    expect(headers['set-cookie']?.[0]).toMatch(/; HttpOnly; SameSite=Strict$|; SameSite=Strict; HttpOnly$/)
    expect(headers['set-cookie']?.[0]).not.toContain('Domain')
    expect(body.toString()).not.toContain('token')
  })
})

describe('with the cookie, from elsewhere', () => {
  test('a name that leads here (DNS rebinding) is refused', async () => {
    for (const host of [
      'evil.example',
      `evil.example:${studio.port}`,
      '127.0.0.1',
      `127.0.0.1:${studio.port + 1}`,
    ]) {
      expect([host, await status('/api/state', { headers: { ...client.own, host } })]).toEqual([host, 403])
      expect(await status(new URL(studio.address).search.replace('?', '/?'), { headers: { host } })).toBe(403)
    }
    const host = `localhost:${studio.port}`
    expect(await status('/api/state', { headers: { host, cookie: client.cookie } })).toBe(200)
  })

  test('a foreign origin gets nothing, reading or asking', async () => {
    const { cookie } = client
    for (const origin of [
      'http://evil.example',
      'null',
      `http://127.0.0.1:${studio.port + 1}`,
      `https://127.0.0.1:${studio.port}`,
    ]) {
      for (const address of ['/api/state', '/api/events', '/api/thumbnail/0', '/api/original/0', script]) {
        const answer = await send(studio.port, address, { headers: { cookie, origin } })
        expect([origin, address, answer.status]).toEqual([origin, address, 403])
        expect(answer.headers['access-control-allow-origin']).toBeUndefined()
      }
      const headers = { ...client.own, origin }
      expect(await status('/api/undo', { method: 'POST', headers, body: '{}' })).toBe(403)
      expect(await status('/api/undo', { method: 'OPTIONS', headers })).toBe(403)
    }
  })

  test('what a browser says of another site is believed', async () => {
    for (const site of ['cross-site', 'same-site']) {
      const headers = { ...client.own, 'sec-fetch-site': site }
      expect(await status('/api/undo', { method: 'POST', headers, body: '{}' })).toBe(403)
      const read = { cookie: client.cookie, 'sec-fetch-site': site }
      for (const address of ['/api/state', '/api/events', '/api/thumbnail/0', script])
        expect([address, await status(address, { headers: read })]).toEqual([address, 403])
    }
  })

  test('a simple post, as a form sends it, changes nothing', async () => {
    const body = JSON.stringify({ name: 'planted' })
    const { origin, cookie } = client.own
    for (const type of [
      'text/plain',
      'application/x-www-form-urlencoded',
      'multipart/form-data; boundary=x',
    ]) {
      const headers = { origin, cookie, 'content-type': type }
      expect(await status('/api/addClass', { method: 'POST', headers, body })).toBe(415)
    }
    const withoutOrigin = { cookie, 'content-type': 'application/json' }
    expect(await status('/api/addClass', { method: 'POST', headers: withoutOrigin, body })).toBe(403)
    expect(await status('/api/addClass?name=planted', { headers: client.own })).toBe(404)
    expect((await client.view('state')).classes).toEqual([])
  })

  test('it listens on the loopback address alone', async () => {
    const outside = Object.values(networkInterfaces())
      .flat()
      .find((each) => each !== undefined && !each.internal && each.family === 'IPv4')
    const reached = await new Promise<boolean>((resolve) => {
      const socket = connect({ host: outside?.address ?? '127.0.0.2', port: studio.port, timeout: 2000 })
      const end = (found: boolean) => {
        socket.destroy()
        resolve(found)
      }
      socket
        .on('connect', () => end(true))
        .on('error', () => end(false))
        .on('timeout', () => end(false))
    })
    expect(reached).toBe(false)
  })
})

describe('what is sent', () => {
  test('bodies have limits and are what the protocol says, or nothing happens', async () => {
    const post = (name: string, body: string) =>
      send(studio.port, `/api/${name}`, { method: 'POST', headers: client.own, body })
    expect((await post('addClass', `{"name":"${'a'.repeat(2 ** 20)}"}`)).status).toBe(413)
    const wrong: readonly [string, string][] = [
      ['addClass', '{"name":'],
      ['addClass', '[]'],
      ['addClass', '{"name":"  "}'],
      ['addClass', '{"name":"a","path":"/etc"}'],
      ['label', '{"decisions":[{"image":-1,"label":0}],"seen":"picked"}'],
      ['label', '{"decisions":[{"image":"../x","label":0}],"seen":"picked"}'],
      ['label', '{"decisions":[{"image":6,"label":"none"}],"seen":"picked"}'],
      ['label', '{"decisions":[{"image":0,"label":99}],"seen":"picked"}'],
      ['train', '{"model":"--out=/tmp/x","minutes":1}'],
      ['train', '{"model":"vae","minutes":-1}'],
      ['pauseTraining', '{"run":"../../etc"}'],
      ['selectRun', '{"run":"../shapes"}'],
    ]
    for (const [name, body] of wrong) {
      const answer = await post(name, body)
      expect([name, body, answer.status]).toEqual([name, body, 400])
      const { error } = JSON.parse(answer.body.toString()) as { error: string }
      expect(error).not.toMatch(/\n|at .*\.[jt]s:/)
    }
    const { classes, labelled, runs } = await client.view('state')
    expect({ classes, labelled, runs }).toEqual({ classes: [], labelled: 0, runs: [] })
  })

  test('files are served by id: no path of a client leads anywhere', async () => {
    const headers = client.own
    const addresses = [
      '/../../../../etc/passwd',
      '/..%2f..%2f..%2fetc%2fpasswd',
      '/assets/../../cli/main.js',
      '/assets/..%2f..%2fcli%2fmain.js',
      '/api/thumbnail/../state%00',
      '/api/thumbnail/6',
      '/api/original/999999999',
      '/api/original/shapes%2fimage-000.png',
      '/api/picture/..%2f..%2fetc%2fpasswd',
      '/api/download/labels.csv',
    ]
    for (const address of addresses)
      expect([address, await status(address, { headers })]).toEqual([address, 404])
    expect((await send(studio.port, '/api/metrics?run=../../etc', { headers })).status).toBe(400)
  })

  test('answers say strictly what a page may do, refusals too', async () => {
    for (const address of ['/', script, '/api/state', '/nothing']) {
      for (const sent of [{ headers: client.own }, {}]) {
        const { headers } = await send(studio.port, address, sent)
        expect(headers['content-security-policy']).toBe(POLICY)
        expect(headers['x-content-type-options']).toBe('nosniff')
        expect(headers['referrer-policy']).toBe('no-referrer')
        expect(headers['cross-origin-opener-policy']).toBe('same-origin')
        expect(headers['cross-origin-resource-policy']).toBe('same-origin')
        expect(headers['x-frame-options']).toBe('DENY')
      }
    }
  })

  test('an image is a picture and nothing else, even where it is opened by itself', async () => {
    for (const [address, type] of [
      ['/api/thumbnail/0', 'image/webp'],
      ['/api/original/0', 'image/png'],
    ]) {
      const { headers, status, body } = await send(studio.port, address, { headers: client.own })
      expect([status, headers['content-type']]).toEqual([200, type])
      expect(headers['content-security-policy']).toBe("default-src 'none'; sandbox; frame-ancestors 'none'")
      expect(headers['x-content-type-options']).toBe('nosniff')
      expect(body.length).toBeLessThanOrEqual(20_000)
    }
  })
})
