/** The studio as a person has it: a process of its own, its page in Chromium, keys pressed one by one after a look. */
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { setTimeout as sleep } from 'node:timers/promises'
import path from 'node:path'
import { fileURLToPath } from 'node:url'
import { type Browser, chromium, type Page } from 'playwright-core'
import { Client, until } from '../../packages/handful/test/studio/studio-under-test.js'

export const PROGRAM = fileURLToPath(new URL('../../packages/handful/dist/cli/main.js', import.meta.url))
/** A key of a word that is typed (Card, Moran and Newell, 1980: an average typist). */
export const TYPING_SECONDS = 0.28
/** What a person presses was settled so long before. */
const REACTION_SECONDS = 0.3
const PATIENCE_MS = 120_000

/** One image decided on. */
export interface Decided {
  readonly file: string
  readonly name: string
  readonly how: 'accepted' | 'named' | 'made'
  readonly keys: number
  /** From the image's being seen to the next one's. */
  readonly seconds: number
  /** Milliseconds from the last key to the next image. */
  readonly wait: number
  /** Class that was suggested as the person settled what to press. */
  readonly suggestion: string | undefined
  /** Whether another suggestion stood there as the key was pressed. */
  readonly changed: boolean
}

/** What stands on the page. */
interface Seen {
  readonly image: number
  readonly suggestion?: string
  /** Of the classes' names. */
  readonly keys: Readonly<Record<string, string>>
}

/** In the page: what is seen, and the next image after a key. */
const EYES = `
globalThis.eyes = {
  pressed: 0,
  image() {
    const image = document.querySelector('.photo-box img')
    return image !== null && image.complete && image.naturalWidth > 0 ? Number(image.dataset.image) : -1
  },
  seen() {
    const words = document.querySelector('.why b')?.textContent ?? ''
    const rows = [...document.querySelectorAll('.class-row .name')]
    return {
      image: Number(document.querySelector('.photo-box img')?.dataset.image ?? -1),
      suggestion: words.endsWith('?') ? words.slice(0, -1) : undefined,
      keys: Object.fromEntries(rows.map((row) => [row.querySelector('.cut').textContent, row.firstElementChild.textContent])),
    }
  },
  next: (before) =>
    new Promise((resolve) => {
      const look = (now) => {
        const image = eyes.image()
        if (image >= 0 && image !== before) resolve(now - eyes.pressed)
        else requestAnimationFrame(() => look(performance.now()))
      }
      requestAnimationFrame(() => look(performance.now()))
    }),
}
addEventListener('keydown', (event) => { eyes.pressed = event.timeStamp }, true)
`

export class PageUnderHands {
  private constructor(
    private readonly studio: ChildProcess,
    private readonly browser: Browser,
    readonly page: Page,
    readonly client: Client,
    readonly paths: readonly string[],
    private readonly truth: ReadonlyMap<string, string>,
  ) {}

  /** Starts the studio on a folder and opens its page at Label, as soon as the runs there are opened, if any are. */
  static async open(
    folder: string,
    runs: string,
    truth: ReadonlyMap<string, string>,
  ): Promise<PageUnderHands> {
    const began = performance.now()
    const since = (): string => `${((performance.now() - began) / 1000).toFixed(1)} s`
    const browser = await chromium.launch({ executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium' })
    const page = await browser.newPage({ viewport: { width: 1280, height: 720 } })
    page.setDefaultTimeout(PATIENCE_MS)
    page.on('pageerror', (error) => console.error(error))
    page.on('console', (message) => {
      if (message.type() === 'error') console.error(message.text())
    })
    await page.addInitScript(EYES)
    const words = ['studio', folder, '--runs', runs, '--no-open', '--threads', '2']
    const studio = spawn(process.execPath, [PROGRAM, ...words], { stdio: ['ignore', 'pipe', 'inherit'] })
    let said = ''
    studio.stdout.setEncoding('utf8').on('data', (text: string) => (said += text))
    while (!/http:\S+/.test(said)) await once(studio.stdout, 'data')
    const address = /http:\S+/.exec(said)?.[0] ?? ''
    const { port } = new URL(address)
    await page.goto(address)
    const client = await Client.open({ port: Number(port), address })
    await until(async () => ((await client.view('state')).images > 0 ? true : undefined), 300)
    await page.goto(`http://127.0.0.1:${port}/#/label`)
    await page.waitForFunction(() => eyes.image() >= 0)
    console.log(`  first image to label ${since()} after the command`)
    const { paths } = await client.view('catalogue')
    const hands = new PageUnderHands(studio, browser, page, client, paths, truth)
    const { run } = await client.view('state')
    if (run !== undefined) {
      await until(async () => (await client.view('state')).suggestsBy, 300)
      console.log(`  suggestions by the run ${since()} after the command`)
    }
    return hands
  }

  /**
   * Looks at the shown image and labels it truly.
   *
   * @param waits whether the looking time passes indeed; it counts either way
   */
  async decide({ look, waits }: { look: number; waits: boolean }): Promise<Decided> {
    const began = performance.now()
    if (waits) await sleep(1000 * (look - REACTION_SECONDS))
    const settled = await this.seen()
    if (settled.image < 0) throw new Error('no image is shown')
    if (waits) await sleep(Math.max(0, 1000 * look - (performance.now() - began)))
    const file = path.basename(this.paths[settled.image])
    const name = this.truth.get(file) ?? ''
    const { suggestion: later } = await this.seen()
    const { keyboard } = this.page
    const key = Object.hasOwn(settled.keys, name) ? settled.keys[name] : undefined
    let keys = 1
    let how: Decided['how'] = 'accepted'
    if (settled.suggestion === name) await keyboard.press('Enter')
    else if (key !== undefined) {
      how = 'named'
      await keyboard.press(key)
    } else {
      how = 'made'
      keys = name.length + 2
      await keyboard.press('c')
      if (waits) await sleep(1000 * TYPING_SECONDS)
      await keyboard.type(name, { delay: waits ? 1000 * TYPING_SECONDS : 0 })
      await keyboard.press('Enter')
    }
    const wait = await this.page.evaluate((before) => eyes.next(before), settled.image)
    // A class that was just made gets its key once the studio has it.
    if (how === 'made') await until(async () => (Object.hasOwn((await this.seen()).keys, name) ? true : undefined)) // prettier-ignore
    const counted = look + (keys - 1) * TYPING_SECONDS + wait / 1000
    return {
      file,
      name,
      how,
      keys,
      seconds: waits ? (performance.now() - began) / 1000 : counted,
      wait,
      suggestion: settled.suggestion,
      changed: settled.suggestion !== undefined && later !== settled.suggestion,
    }
  }

  /** Images that are labelled truly, or without a label predicted truly. */
  async right(): Promise<number> {
    const [{ labels }, { classes: predicted }, { classes }] = await Promise.all([
      this.client.view('labels'),
      this.client.view('predictions'),
      this.client.view('state'),
    ])
    const names = new Map(classes.map(({ id, name }) => [id, name]))
    return labels.filter(
      (label, image) =>
        names.get(label === -1 ? predicted[image] : label) ===
        this.truth.get(path.basename(this.paths[image])),
    ).length
  }

  /** Until the page says that so many are stored. */
  async allStored(count: number): Promise<void> {
    await this.page.getByText(`${count.toLocaleString('en')} stored`).waitFor()
  }

  async close(): Promise<void> {
    await this.browser.close()
    this.studio.kill('SIGINT')
    await once(this.studio, 'exit')
  }

  private seen(): Promise<Seen> {
    return this.page.evaluate(() => eyes.seen())
  }
}

declare const eyes: { image(): number; seen(): Seen; next(before: number): Promise<number> }
