/**
 * How time and memory grow with the number of images: so many generated pictures of 32x32 in colour, ten classes of which
 * twenty images each have a label, from a tar file (or a folder) to a prediction for every image, by the command that a user
 * gives. Peak memory is the process's own as the kernel counts it.
 *
 *   npm run build && npx tsx bench/scale/run.ts --counts 10000,100000 [--minutes 2] [--folder] [--threads 2]
 *     [--memory 1] [--at <folder for images and runs>]
 *     [--fit="--patches 0 --features all --draws 1"]   more options of handful fit
 */
import { spawn } from 'node:child_process'
import { createWriteStream } from 'node:fs'
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { availableParallelism, cpus, tmpdir } from 'node:os'
import path from 'node:path'
import { once } from 'node:events'
import { pipeline } from 'node:stream/promises'
import { parseArgs } from 'node:util'
import { deflateSync } from 'node:zlib'
import { Random } from 'onnx-autodiff'
import { pack } from 'tar-stream'
import { chunkBytes, PNG_SIGNATURE } from '../../packages/handful/src/data/animated-png.js'

const { values } = parseArgs({
  options: {
    counts: { type: 'string', default: '10000' },
    minutes: { type: 'string', default: '2' },
    folder: { type: 'boolean', default: false },
    threads: { type: 'string', default: String(availableParallelism()) },
    memory: { type: 'string', default: '1' },
    at: { type: 'string' },
    fit: { type: 'string', default: '--patches 0 --features all --draws 1' },
  },
})
const SIDE = 32
const CLASSES = 10
const LABELLED = 20

/** Noise of the pictures, drawn once: each takes a piece of it, as drawing a billion numbers would take longer than learning. */
const NOISE = 1 << 20
const noise = Int8Array.from(
  { length: NOISE + SIDE * SIDE * 3 },
  (() => {
    const random = new Random(0, 'noise')
    return () => Math.round(random.between(-25, 25))
  })(),
)

/** A texture of a direction and colours of its class, shifted, tilted and noisy. */
function picture(label: number, random: Random): Buffer {
  const angle = (label * Math.PI) / CLASSES + random.between(-0.12, 0.12)
  const [fx, fy] = [Math.cos(angle) * 0.6, Math.sin(angle) * 0.6]
  const phase = random.between(0, 6.28)
  const tint = [0, 1, 2].map((c) => 90 + 60 * Math.sin(label + 2 * c) + random.between(-30, 30))
  const rows = Buffer.alloc(SIDE * (1 + SIDE * 3))
  let drawn = random.integer(NOISE)
  for (let y = 0, at = 0; y < SIDE; y++) {
    rows[at++] = 0
    for (let x = 0; x < SIDE; x++) {
      const wave = 60 * Math.sin(fx * x + fy * y + phase)
      for (let c = 0; c < 3; c++) rows[at++] = Math.max(0, Math.min(255, tint[c] + wave + noise[drawn++]))
    }
  }
  return rows
}

const HEADER = Buffer.from([0, 0, 0, SIDE, 0, 0, 0, SIDE, 8, 2, 0, 0, 0])

const png = (rows: Buffer): Buffer =>
  Buffer.concat([
    PNG_SIGNATURE,
    chunkBytes({ type: 'IHDR', data: HEADER }),
    chunkBytes({ type: 'IDAT', data: deflateSync(rows, { level: 1 }) }),
    chunkBytes({ type: 'IEND', data: Buffer.alloc(0) }),
  ])

function* images(count: number): Generator<[name: string, content: Buffer]> {
  const random = new Random(0, 'scale')
  for (let i = 0; i < count; i++) {
    const label = i % CLASSES
    const where = i < CLASSES * LABELLED ? `class-${label}` : `unlabeled/${Math.floor(i / 1000)}`
    yield [`${where}/${i}.png`, png(picture(label, random))]
  }
}

async function writeImages(count: number, at: string): Promise<string> {
  if (values.folder) {
    const folder = path.join(at, `images-${count}`)
    for (const [name, content] of images(count)) {
      const file = path.join(folder, name)
      await mkdir(path.dirname(file), { recursive: true })
      await writeFile(file, content)
    }
    return folder
  }
  const file = path.join(at, `images-${count}.tar`)
  const archive = pack()
  const written = pipeline(archive, createWriteStream(file))
  for (const [name, content] of images(count))
    await new Promise<void>((resolve, reject) =>
      archive.entry({ name }, content, (error) => (error ? reject(error) : resolve())),
    )
  archive.finalize()
  await written
  return file
}

/** Runs the command; its peak memory is asked of the kernel every second. */
async function measured(args: string[]): Promise<{ seconds: number; gibibytes: number; ok: boolean }> {
  const began = performance.now()
  const child = spawn(process.execPath, ['packages/handful/dist/cli/main.js', ...args], {
    stdio: ['ignore', 'inherit', 'inherit'],
  })
  let peak = 0
  const timer = setInterval(() => {
    void readFile(`/proc/${child.pid}/status`, 'utf8').then(
      (status) => (peak = Math.max(peak, Number(/VmHWM:\s+(\d+)/.exec(status)?.[1] ?? 0))),
      () => undefined,
    )
  }, 500)
  const [code] = (await once(child, 'close')) as [number | null]
  clearInterval(timer)
  return { seconds: (performance.now() - began) / 1000, gibibytes: peak / 2 ** 20, ok: code === 0 }
}

/** Share of all images whose prediction is their class: the number in the name says which that is. */
async function accuracy(run: string): Promise<number> {
  const rows = (await readFile(path.join(run, 'predictions.csv'), 'utf8')).trim().split('\n').slice(1)
  const right = rows.filter((row) => {
    const [, number, label] = /(\d+)\.png"?,[^,]*,"?class-(\d)/.exec(row) ?? []
    return Number(number) % CLASSES === Number(label)
  }).length
  return right / rows.length
}

/** What the report says of neighbours that were searched approximately. */
async function recall(run: string): Promise<string> {
  const [, found] =
    /approximately: ([\d.]+ %)/.exec(await readFile(path.join(run, 'report.json'), 'utf8')) ?? []
  return found === undefined ? 'exact neighbours' : `recall ${found}`
}

const at = await mkdtemp(path.join(values.at ?? tmpdir(), 'handful-scale-'))
console.log(`${cpus()[0].model}, ${values.threads} threads, ${values.minutes} minutes of training`)
const table: string[] = []
try {
  for (const count of values.counts.split(',').map(Number)) {
    const input = await writeImages(count, at)
    const run = path.join(at, `run-${count}`)
    const limits = ['--minutes', values.minutes, '--threads', values.threads, '--memory', values.memory]
    const more = values.fit.split(' ').filter(Boolean)
    const result = await measured(['fit', input, '--out', run, '--size', '32', ...limits, ...more])
    const right = result.ok
      ? `${(100 * (await accuracy(run))).toFixed(1)} % right\t${await recall(run)}`
      : 'failed'
    table.push(`${count}\t${result.seconds.toFixed(0)} s\t${result.gibibytes.toFixed(2)} GiB\t${right}`)
    console.log(table.at(-1))
    await rm(input, { recursive: true })
    await rm(run, { recursive: true, force: true })
  }
} finally {
  await rm(at, { recursive: true, force: true })
}
console.log(`images\ttime\tpeak memory\t\n${table.join('\n')}`)
