/** `handful studio` as it is typed: the address on stdout, Ctrl-C, a port that is taken. */
import { type ChildProcess, spawn } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { Bench, plainNames, send, until } from './studio-under-test.js'

const main = fileURLToPath(new URL('../../dist/cli/main.js', import.meta.url))

let bench: Bench
const children: ChildProcess[] = []
beforeAll(async () => {
  bench = await Bench.make(plainNames(8))
})
afterAll(async () => {
  for (const child of children) child.kill('SIGKILL')
  await bench.end()
})

function studio(...words: string[]) {
  const child = spawn(process.execPath, [main, 'studio', ...words], { cwd: bench.folder })
  children.push(child)
  const said = { out: '', err: '', code: undefined as number | null | undefined }
  child.stdout.on('data', (text: Buffer) => (said.out += text.toString()))
  child.stderr.on('data', (text: Buffer) => (said.err += text.toString()))
  child.on('close', (code) => (said.code = code))
  return { child, said }
}

test(
  'the address is all of stdout, its page opens, Ctrl-C ends it, the folder is found again',
  { timeout: 40_000 },
  async () => {
    const { child, said } = studio('shapes', '--no-open', '--port', '0')
    const address = await until(() => (said.out.endsWith('\n') ? new URL(said.out.trim()) : undefined))
    expect(said.out).toMatch(/^http:\/\/127\.0\.0\.1:\d+\/\?token=[\w-]{43}\n$/)
    const port = Number(address.port)
    const { headers, status } = await send(port, `/${address.search}`)
    expect(status).toBe(303)
    const cookie = headers['set-cookie']?.[0].split(';')[0] ?? ''
    const page = await send(port, '/', { headers: { cookie } })
    expect(page.body.toString()).toMatch(/^<!doctype html>/i)

    const taken = studio('--no-open', '--port', String(port))
    const code = await until(() => taken.said.code ?? undefined)
    expect(code).toBe(1)
    expect(taken.said.err).toContain(
      `error: --port: got ${port}, which another program has, expected a free one`,
    )

    await until(async () => {
      const { body } = await send(port, '/api/state', { headers: { cookie } })
      return (JSON.parse(body.toString()) as { images: number }).images === 8 ? true : undefined
    })
    child.kill('SIGINT')
    expect(await until(() => said.code ?? undefined)).toBe(0)
    expect(said.err).not.toMatch(/error|\bat \//)
  },
)

test('a folder that is not there is said on the page, which stays', { timeout: 40_000 }, async () => {
  const { studio, faults } = { studio: await bench.start('/nowhere/at all'), faults: bench.faults }
  const { Client } = await import('./studio-under-test.js')
  const client = await Client.open(studio)
  const trouble = await until(async () => (await client.view('state')).trouble)
  expect(trouble).toMatch(/nothing there, expected a folder of images/)
  const { images } = await client.ask('open', { path: bench.images })
  expect(images).toBe(8)
  expect((await client.view('state')).trouble).toBeUndefined()
  const { folders } = await client.ask('browse', { path: bench.folder })
  expect(folders.find(({ name }) => name === 'shapes')).toMatchObject({ images: 8, isRun: false })
  // What was open stays where another place cannot be opened.
  await expect(client.ask('open', { path: '/nowhere' })).rejects.toThrow(/400/)
  expect((await client.view('state')).images).toBe(8)
  expect(faults).toEqual([])
})
