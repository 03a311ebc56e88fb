/** Copies of dropped folders and reports on the page: nothing is written outside, nothing in a report runs. */
import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { Bench, type Client, plainNames, type Reply, send } from './studio-under-test.js'

let bench: Bench
let client: Client
beforeAll(async () => {
  bench = await Bench.make(plainNames(4))
  client = (await bench.open()).client
})
afterAll(() => bench.end())

function piece(name: string, offset: number, content: string): Buffer {
  const head = Buffer.from(JSON.stringify({ path: name, offset, bytes: Buffer.byteLength(content) }))
  const length = Buffer.alloc(4)
  length.writeUInt32LE(head.length)
  return Buffer.concat([length, head, Buffer.from(content)])
}

const upload = (id: string, body: Buffer, headers: Record<string, string> = client.own): Promise<Reply> =>
  send(client.port, `/api/upload/${id}`, { method: 'POST', headers, body })

async function begun(name: string): Promise<string> {
  const answer = await client.ask('startUpload', { name, files: [], count: 0 })
  if ('id' in answer) return answer.id
  throw new Error(`got the earlier copy ${answer.path}`)
}

test('pieces in any order, and the same twice, make the files; nothing is there before the end', async () => {
  const id = await begun('a: b/c')
  const second = piece('inner/x.png', 3, 'def')
  await upload(id, Buffer.concat([second, piece('y.png', 0, '')]))
  expect((await upload(id, Buffer.concat([piece('inner/x.png', 0, 'abc'), second]))).status).toBe(200)
  expect((await readdir(bench.runs)).filter((name) => name.endsWith('-images'))).toEqual([])
  const { path: made } = await client.ask('finishUpload', { id })
  expect(made).toBe(path.join(bench.runs, 'a-b-c-images'))
  expect(await readFile(path.join(made, 'inner/x.png'), 'utf8')).toBe('abcdef')
  expect(await readFile(path.join(made, 'y.png'), 'utf8')).toBe('')
  expect((await upload(id, second)).status).toBe(400)
  const files = [{ path: 'inner/x.png', bytes: 6 }]
  expect(await client.ask('startUpload', { name: 'a: b/c', files, count: 2 })).toEqual({ path: made })
})

test('what was dropped before is known by all its files, beside others of its name; of an archive it is the file', async () => {
  const copied = async (files: Readonly<Record<string, string>>): Promise<string> => {
    const told = Object.entries(files).map(([name, content]) => ({ path: name, bytes: content.length }))
    const answer = await client.ask('startUpload', { name: 'again', files: told, count: told.length })
    if ('path' in answer) return `known: ${path.relative(bench.runs, answer.path)}`
    for (const [name, content] of Object.entries(files)) await upload(answer.id, piece(name, 0, content))
    return path.relative(bench.runs, (await client.ask('finishUpload', answer)).path)
  }
  const [few, more] = [{ 'a.png': 'one' }, { 'a.png': 'one', 'b/c.png': 'other' }]
  expect(await copied(more)).toBe('again-images')
  expect(await copied(few)).toBe('again-images-2')
  expect(await copied({ 'signs.tar': 'archive' })).toBe('again-images-3/signs.tar')
  expect(await copied(more)).toBe('known: again-images')
  expect(await copied(few)).toBe('known: again-images-2')
  expect(await copied({ 'signs.tar': 'archive' })).toBe('known: again-images-3/signs.tar')
})

test('paths that lead out, hidden names, broken packs and strangers are refused, and leave nothing', async () => {
  const id = await begun('hostile')
  const names = ['../out.png', '/etc/out.png', 'a/../../out.png', '.handful-run', 'a/.hidden', 'a//b.png', 'a\\..\\b.png', 'a\0b.png'] // prettier-ignore
  for (const name of names)
    expect([name, (await upload(id, piece(name, 0, 'x'))).status]).toEqual([name, 400])
  for (const pack of [Buffer.from('{}'), Buffer.alloc(9, 255), piece('a.png', 0, 'abc').subarray(0, -1)])
    expect((await upload(id, pack)).status).toBe(400)
  expect((await upload('0'.repeat(32), piece('a.png', 0, 'x'))).status).toBe(400)
  expect((await upload(id, Buffer.alloc(17 * 2 ** 20))).status).toBe(413)
  const { cookie: _, ...stranger } = client.own
  expect((await upload(id, piece('a.png', 0, 'x'), stranger)).status).toBe(403)
  const other = { ...client.own, origin: 'http://evil.example' }
  expect((await upload(id, piece('a.png', 0, 'x'), other)).status).toBe(403)
  await client.ask('cancelUpload', { id })
  const left = (await readdir(bench.folder, { recursive: true })).filter((name) =>
    /out\.png|upload-|hidden/.test(name),
  )
  expect(left).toEqual([])
})

test('a folder holds files only with the same bytes', async () => {
  const content = await readFile(path.join(bench.images, 'image-000.png'))
  const { createHash } = await import('node:crypto')
  const file = { path: 'image-000.png', bytes: content.length }
  const holds = async (more: object): Promise<boolean> =>
    (await client.ask('holds', { path: bench.images, files: [{ ...file, ...more }] })).same
  expect(await holds({})).toBe(true)
  expect(await holds({ sha256: createHash('sha256').update(content).digest('hex') })).toBe(true)
  expect(await holds({ sha256: '0'.repeat(64) })).toBe(false)
  expect(await holds({ bytes: 1 })).toBe(false)
  await expect(holds({ path: '../shapes/image-000.png' })).rejects.toThrow('a path below the folder')
})

test('a study of a known data set is its report, in a frame where nothing can run', async () => {
  const folder = path.join(bench.folder, 'study')
  await mkdir(folder)
  await writeFile(path.join(folder, 'study.yaml'), 'dataset: strokes\nmethods: [pixels]\n')
  expect((await client.ask('open', { path: folder })).study).toEqual({ name: 'study', hasReport: false })
  expect((await send(client.port, '/api/page/study', { headers: client.own })).status).toBe(404)
  await writeFile(path.join(folder, 'report.html'), '<h1>Found</h1><script>alert(1)</script>')
  const { study, place, images } = await client.view('state')
  expect({ study, place, images }).toEqual({
    study: { name: 'study', hasReport: true },
    place: undefined,
    images: 0,
  })
  const { body, headers } = await send(client.port, '/api/page/study', { headers: client.own })
  expect(body.toString()).toContain('Found')
  const policy = String(headers['content-security-policy'])
  expect(policy).toContain("default-src 'none'")
  expect(policy).toContain('sandbox;')
  expect(policy).not.toContain('script-src')
  expect(policy).not.toContain('allow-')
  expect((await send(client.port, '/api/page/study')).status).toBe(403)
  const { study: left } = await client.ask('open', { path: bench.images })
  expect(left).toBeUndefined()
})
