import { createHash } from 'node:crypto'
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { createServer, type RequestListener } from 'node:http'
import type { AddressInfo } from 'node:net'
import { dirname, join } from 'node:path'
import { afterEach, describe, expect, it } from 'vitest'
import { download } from '../../src/files/download.js'
import { failure, folderOf, temporaryFolder } from '../data/support.js'

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

/** Short for a test, long for a busy machine. */
const silenceMs = 800

const request = (mirrors: readonly string[], path = join(temporaryFolder(), 'inner/a.gz')) => ({
  what: 'MNIST',
  fileName: 'a.gz',
  mirrors,
  path,
  sha256: createHash('sha256').update(content).digest('hex'),
  limitBytes: 100,
  hint: 'do it by hand',
})

/** Delivers the rest of a file, as servers of static files do. */
const resuming =
  (file: Buffer, asked: (string | undefined)[] = []): RequestListener =>
  (incoming, response) => {
    asked.push(incoming.headers.range)
    const from = Number(/^bytes=(\d+)-$/.exec(incoming.headers.range ?? '')?.[1] ?? 0)
    if (from >= file.length) response.writeHead(416).end()
    else if (from === 0) response.end(file)
    else {
      const range = `bytes ${from}-${file.length - 1}/${file.length}`
      response.writeHead(206, { 'content-range': range }).end(file.subarray(from))
    }
  }

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
    const all = { ...request([silent, stalling, endless, good]), silenceMs }
    expect(await download({ ...all, onProgress })).toBe(good)
    expect(readFileSync(all.path, 'utf8')).toBe('the official file')
    expect(progress.at(-1)).toBe(content.length)
    expect(readdirSync(dirname(all.path))).toEqual(['a.gz'])
    const bad = { ...request([silent, stalling, endless]), silenceMs }
    const error = await failure(() => download(bad))
    expect(error.message).toMatch(
      /no answer for 0.8 s.*no answer for 0.8 s.*more than 100 bytes.*do it by hand$/,
    )
    expect(existsSync(bad.path)).toBe(false)
  })

  it('keeps what has come and goes on from there', async () => {
    const stalling = await mirror((_, response) => {
      response.writeHead(200, { 'content-length': content.length })
      response.write(content.subarray(0, 5))
    })
    const first = { ...request([stalling]), silenceMs }
    await failure(() => download(first))
    expect(readFileSync(join(dirname(first.path), '.a.gz.part'), 'utf8')).toBe('the o')
    const asked: (string | undefined)[] = []
    const good = await mirror(resuming(content, asked))
    await download({ ...first, mirrors: [good] })
    expect(asked).toEqual(['bytes=5-'])
    expect(readFileSync(first.path, 'utf8')).toBe('the official file')
  })

  it.each([
    ['another file', 'wrong'],
    ['more than the whole file', 'the official file and more'],
    ['the whole file of another kind', 'THE OFFICIAL FILE'],
  ])('starts anew where %s was kept', async (_, kept) => {
    const asked: (string | undefined)[] = []
    const good = await mirror(resuming(content, asked))
    const anew = request([good])
    mkdirSync(dirname(anew.path))
    writeFileSync(join(dirname(anew.path), '.a.gz.part'), kept)
    await download(anew)
    expect(asked).toEqual([`bytes=${kept.length}-`, undefined])
    expect(readFileSync(anew.path, 'utf8')).toBe('the official file')
    expect(readdirSync(dirname(anew.path))).toEqual(['a.gz'])
  })

  it('takes a server that knows no ranges, and refuses a wrong file without leaving anything', async () => {
    const whole = await mirror((_, response) => response.end(content))
    const anew = request([whole])
    mkdirSync(dirname(anew.path))
    writeFileSync(join(dirname(anew.path), '.a.gz.part'), 'the off')
    await download(anew)
    expect(readFileSync(anew.path, 'utf8')).toBe('the official file')
    const wrong = request([await mirror((_, response) => response.end('another file'))])
    expect((await failure(() => download(wrong))).message).toContain(
      'another file (12 bytes, wrong checksum)',
    )
    expect(existsSync(dirname(wrong.path))).toBe(false)
  })

  it('ends with one line where the file cannot be written', async () => {
    const asked: (string | undefined)[] = []
    const good = await mirror(resuming(content, asked))
    const folder = folderOf({ inner: 'a file in place of the folder' })
    const error = await failure(() => download(request([good, good], join(folder, 'inner/a.gz'))))
    expect(error.message).toMatch(
      /^writing \(.*\): got (a file where a folder should be|something already there)/,
    )
    expect(asked).toHaveLength(1)
  })

  it('stops at once when told to', async () => {
    const silent = await mirror(() => undefined)
    const stop = new AbortController()
    const running = download({ ...request([silent, silent]), signal: stop.signal })
    setTimeout(() => stop.abort(new Error('stopped')), 50)
    await expect(running).rejects.toThrow('stopped')
  })
})
