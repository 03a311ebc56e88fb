/**
 * How long a journal of many lines takes to open: the first time by its lines, then by the snapshot that the first has left, and
 * with it one undo: `npx tsx bench/labelling/journal.ts [lines]`.
 */
import { appendFile, mkdtemp, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { Journal } from '../../packages/handful/src/labels/journal.js'

const lines = Number(process.argv[2] ?? 1e6)
const IMAGES = 60_000
const BLOCK = 100_000

const folder = await mkdtemp(path.join(tmpdir(), 'handful-journal-'))
const file = path.join(folder, 'labels.jsonl')
const told = `"who":"person","at":"2026-05-04T12:00:00.000Z"`
const classLine = (id: number): string =>
  `{"step":1,"of":2,"do":"class","id":${id},"name":"class ${id}",${told}}\n`
const labelLine = (i: number): string =>
  `{"step":${i + 2},"of":1,"do":"label","image":"folder/${i % IMAGES}.png","label":${i % 2},"seen":"picked",${told}}\n`

async function timed<T>(what: string, work: () => Promise<T>): Promise<T> {
  const [began, used] = [performance.now(), process.cpuUsage()]
  const result = await work()
  const { user, system } = process.cpuUsage(used)
  console.log(
    `${what}: ${((performance.now() - began) / 1000).toFixed(2)} s, ${((user + system) / 1e6).toFixed(2)} s of processor time`,
  )
  return result
}

try {
  await writeFile(file, classLine(0) + classLine(1))
  for (let start = 0; start < lines; start += BLOCK)
    await appendFile(
      file,
      Array.from({ length: Math.min(BLOCK, lines - start) }, (_, i) => labelLine(start + i)).join(''),
    )
  console.log(`${lines} lines of ${IMAGES} images, ${((await stat(file)).size / 2 ** 20).toFixed(0)} MiB`)
  for (const way of ['by its lines', 'by the snapshot', 'by the snapshot again']) {
    const journal = await timed(way, () => Journal.open(folder))
    if (way !== 'by its lines') await timed('  and a step taken back', () => journal.undo('person'))
    await timed('  and closed', () => journal.close())
  }
} finally {
  await rm(folder, { recursive: true })
}
