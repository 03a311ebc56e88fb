import { createHash } from 'node:crypto'
import { createServer, type RequestListener } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterEach, describe, expect, it } from 'vitest'
import { download } from '../../src/data/download.js'
import { failure } from './support.js'

const content = Buffer.from('the official file')
const closing: (() => void)[] = []

afterEach(() => {
  for (const close of closing.splice(0)) close()
})

/** A mirror on this machine. */
async function mirror(answer: RequestListener): Promise<string> {
  const server = createServer(answer)
  await new Promise<void>((listening) => server.listen(0, '127.0.0.1', listening))
  closing.push(() => {
    server.closeAllConnections()
    server.close()
  })
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}/`
}

const request = (mirrors: readonly string[]) => ({
  what: 'MNIST',
  fileName: 'a.gz',
  mirrors,
  sha256: createHash('sha256').update(content).digest('hex'),
  limitBytes: 100,
  hint: 'do it by hand',
  silenceMs: 150,
})

describe('download', () => {
  it('goes on past a mirror that is silent, one that stops half-way, one without end, to one that delivers', async () => {
    const silent = await mirror(() => undefined)
    const stalling = await mirror((_, response) => {
      response.writeHead(200, { 'content-length': content.length })
      response.write(content.subarray(0, 5))
    })
    const endless = await mirror((_, response) => {
      response.end(Buffer.alloc(200))
    })
    const good = await mirror((incoming, response) => {
      response.statusCode = incoming.url === '/a.gz' ? 200 : 404
      response.end(content)
    })
    const progress: number[] = []
    const onProgress = (received: number): number => progress.push(received)
    const result = await download({ ...request([silent, stalling, endless, good]), onProgress })
    expect(Buffer.from(result.content).toString()).toBe('the official file')
    expect(result.mirror).toBe(good)
    expect(progress.at(-1)).toBe(content.length)
    const error = await failure(() => download(request([silent, stalling, endless])))
    expect(error.message).toMatch(
      /no answer for 0.15 s.*no answer for 0.15 s.*more than 100 bytes.*do it by hand$/,
    )
  })

  it('stops at once when told to', async () => {
    const silent = await mirror(() => undefined)
    const stop = new AbortController()
    const running = download({ ...request([silent, silent]), silenceMs: 60_000, signal: stop.signal })
    setTimeout(() => stop.abort(new Error('stopped')), 50)
    await expect(running).rejects.toThrow('stopped')
  })
})
