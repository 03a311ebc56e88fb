/**
 * The studio's figures on many and on large images: `npx tsx bench/studio/gates.ts [images] [photographs]`, after `npm run build`.
 *
 * - 60,000 generated images of 32 pixels: seconds from the command to the page and to the first five thumbnails; memory of the
 *   page after scrolling through all of them; memory of the server's processes, a workbench with features of all of them open.
 * - 60 generated photographs of 12 megapixels: seconds to a screenful of thumbnails that no cache holds, and the largest of them.
 */
import { spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { loadavg, tmpdir } from 'node:os'
import path from 'node:path'
import { fileURLToPath } from 'node:url'
import { Random } from 'onnx-autodiff'
import { chromium, type Page } from 'playwright-core'
import sharp from 'sharp'
import { makeRun } from '../../packages/handful/test/labelling/made-run.js'

const PROGRAM = fileURLToPath(new URL('../../packages/handful/dist/cli/main.js', import.meta.url))
const [images, photographs] = [Number(process.argv[2] ?? 60_000), Number(process.argv[3] ?? 60)]
const WAIT_MS = 300_000

const folder = await mkdtemp(path.join(tmpdir(), 'handful-gates-'))
const seconds = (since: number): string => `${((performance.now() - since) / 1000).toFixed(2)} s`
console.log(`load ${loadavg()[0].toFixed(1)} before`)
try {
  await many(path.join(folder, 'many'))
  await large(path.join(folder, 'large'))
} finally {
  await rm(folder, { recursive: true })
  console.log(`load ${loadavg()[0].toFixed(1)} after`)
}

/** Small pictures, each another colour on another ground. */
async function many(place: string): Promise<void> {
  await mkdir(place)
  const paths = Array.from({ length: images }, (_, i) => `img-${String(i).padStart(6, '0')}.png`)
  for (let start = 0; start < images; start += 500) {
    await Promise.all(
      paths.slice(start, start + 500).map(async (name, i) => {
        const random = new Random(start + i, 'gates')
        const pixels = Uint8Array.from({ length: 16 * 3 }, () => random.integer(256))
        const drawn = sharp(pixels, { raw: { width: 4, height: 4, channels: 3 } }).resize(32, 32)
        await writeFile(path.join(place, name), await drawn.png().toBuffer())
      }),
    )
  }
  const runs = path.join(folder, 'runs')
  await makeRun(path.join(runs, 'many-vae'), {
    images,
    groups: 10,
    spread: 0.5,
    columns: 64,
    folder: place,
    paths,
  })
  await opened(place, runs, async ({ page, began, pid }) => {
    await page.locator('main img[src*="/api/thumbnail/"]').first().waitFor()
    await page.waitForFunction(() => loadedThumbnails() >= 5)
    console.log(`${images} images: five thumbnails ${seconds(began)} after the command`)
    const list = page.getByRole('listbox')
    await list.waitFor()
    for (let step = 0; step < 60; step++) {
      await list.evaluate((element, share) => {
        element.scrollTop = share * element.scrollHeight
      }, step / 59)
      await page.waitForTimeout(100)
    }
    const session = await page.context().newCDPSession(page)
    await session.send('HeapProfiler.collectGarbage')
    const { usedSize } = await session.send('Runtime.getHeapUsage')
    console.log(
      `  page: ${(usedSize / 2 ** 20).toFixed(0)} MiB of script memory, ${rendererMiB()} MiB of its process`,
    )
    await page.waitForTimeout(5000)
    console.log(`  server and workbench: ${treeMiB(pid)} MiB resident`)
  })
}

async function large(place: string): Promise<void> {
  await mkdir(place)
  for (let i = 0; i < photographs; i++) {
    const random = new Random(i, 'gates/photographs')
    const small = Uint8Array.from({ length: 400 * 300 * 3 }, () => random.integer(256))
    const drawn = sharp(small, { raw: { width: 400, height: 300, channels: 3 } })
      .blur(3)
      .resize(4000, 3000)
    await writeFile(path.join(place, `photo-${i}.jpg`), await drawn.jpeg({ quality: 90 }).toBuffer())
  }
  await opened(place, path.join(folder, 'large-runs'), async ({ page, began }) => {
    const sizes: number[] = []
    page.on('response', (response) => {
      if (!response.url().includes('/api/thumbnail/')) return
      void response.body().then(
        (body) => sizes.push(body.length),
        () => {},
      )
    })
    await page.reload()
    const reloaded = performance.now()
    const shown = (of: 'in sight' | 'in the page') =>
      page.waitForFunction((wanted) => {
        const bottom = document.querySelector('main .grid')?.getBoundingClientRect().bottom ?? 0
        const all = [...document.querySelectorAll<HTMLImageElement>('main .cell img')].filter(
          (each) => wanted === 'in the page' || each.getBoundingClientRect().top < bottom,
        )
        const whole = all.every((each) => each.complete && each.naturalWidth > 0)
        return all.length > 0 && whole ? all.length : undefined
      }, of)
    const told = (count: unknown, of: string): void =>
      console.log(
        `${photographs} photographs of 12 megapixels: ${String(count)} thumbnails ${of} ${seconds(reloaded)} after the page was loaded, ${seconds(began)} after the command`,
      )
    told(await (await shown('in sight')).jsonValue(), 'in sight')
    told(await (await shown('in the page')).jsonValue(), 'in the page, rows beyond the edge too,')
    await page.waitForTimeout(300)
    console.log(`  largest of ${sizes.length} thumbnails: ${(Math.max(...sizes) / 1000).toFixed(1)} kB`)
  })
}

interface Opened {
  readonly page: Page
  /** When the command was given. */
  readonly began: number
  readonly pid: number
}

/** The studio as a person starts it, on an empty cache. */
async function opened(place: string, runs: string, look: (opened: Opened) => Promise<void>): Promise<void> {
  const browser = await chromium.launch({ executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium' })
  const page = await browser.newPage({ viewport: { width: 1280, height: 720 } })
  page.setDefaultTimeout(WAIT_MS)
  await page.addInitScript('globalThis.loadedThumbnails = () => [...document.querySelectorAll("main img")].filter((each) => each.complete && each.naturalWidth > 0).length') // prettier-ignore
  const began = performance.now()
  const studio = spawn(
    process.execPath,
    [PROGRAM, 'studio', place, '--runs', runs, '--no-open', '--threads', '2'],
    {
      env: { ...process.env, XDG_CACHE_HOME: path.join(folder, 'cache', path.basename(place)) },
      stdio: ['ignore', 'pipe', 'inherit'],
    },
  )
  try {
    let said = ''
    studio.stdout.setEncoding('utf8').on('data', (text: string) => (said += text))
    while (!/http:\S+/.test(said)) await once(studio.stdout, 'data')
    await page.goto(/http:\S+/.exec(said)?.[0] ?? '')
    await page.locator('main h1').first().waitFor()
    console.log(`${path.basename(place)}: first page ${seconds(began)} after the command`)
    await look({ page, began, pid: studio.pid ?? 0 })
  } finally {
    await browser.close()
    studio.kill('SIGINT')
    await once(studio, 'exit')
  }
}

/**
 * Memory of a process and all that it started. Resident memory counts the program's own code once for each process, though it
 * is there once: `proportional`, where the system tells it, shares that out.
 */
function treeMiB(pid: number): string {
  const own = startedBy(pid)
  const sum = (parts: readonly number[]): string =>
    `${parts.reduce((total, part) => total + part, 0)} (${parts.join(' + ')})`
  const resident = sum(own.map(({ kibibytes }) => Math.round(kibibytes / 1024)))
  try {
    const proportional = own.map((row) => {
      const rollup = readFileSync(`/proc/${row.pid}/smaps_rollup`, 'utf8')
      return Math.round(Number(/^Pss:\s+(\d+)/m.exec(rollup)?.[1]) / 1024)
    })
    return `${sum(proportional)} MiB proportional, ${resident}`
  } catch {
    return resident
  }
}

/** Of the browser's pages the one that holds most. */
function rendererMiB(): number {
  const pages = startedBy(process.pid).filter(({ words }) => words.includes('--type=renderer'))
  return Math.round(Math.max(...pages.map(({ kibibytes }) => kibibytes)) / 1024)
}

/** A process and all below it. */
function startedBy(pid: number): Row[] {
  const rows = processes()
  const own = new Set([pid])
  for (let before = 0; before !== own.size;) {
    before = own.size
    for (const row of rows) if (own.has(row.parent)) own.add(row.pid)
  }
  return rows.filter((row) => own.has(row.pid))
}

interface Row {
  readonly pid: number
  readonly parent: number
  readonly kibibytes: number
  readonly words: string
}

function processes(): Row[] {
  const { stdout } = spawnSync('ps', ['-eo', 'pid=,ppid=,rss=,args='], {
    encoding: 'utf8',
    maxBuffer: 2 ** 26,
  })
  return stdout.split('\n').flatMap((line) => {
    const found = /^\s*(\d+)\s+(\d+)\s+(\d+)\s+(.*)$/.exec(line)
    if (found === null) return []
    const [pid, parent, kibibytes] = found.slice(1, 4).map(Number)
    return [{ pid, parent, kibibytes, words: found[4] }]
  })
}

declare function loadedThumbnails(): number
