/** From a folder of images without a label to predictions, in a real browser that reaches nothing but the studio. */
import { existsSync } from 'node:fs'
import { cp, readFile } from 'node:fs/promises'
import path from 'node:path'
import { type Browser, chromium, type Locator, type Page } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { RunningStudio } from '../../src/studio/serve.js'
import { Bench, Client, kindOf, plainNames } from './studio-under-test.js'

const CHROMIUM = process.env.CHROMIUM ?? '/usr/bin/chromium'
const hasChromium = existsSync(CHROMIUM)
const reason = hasChromium ? '' : ` (skipped: no ${CHROMIUM}; set CHROMIUM to a browser)`

const KINDS = ['disc', 'bar', 'cross']

const lookedAt = async (page: Page): Promise<number> =>
  Number(await page.locator('.photo-box img').getAttribute('data-image'))

/** Of what a person waits for, on a machine with much else to do; nothing here waits longer than it takes. */
const PATIENCE_MS = 150_000

describe.skipIf(!hasChromium)(`the studio in Chromium${reason}`, () => {
  let bench: Bench
  let studio: RunningStudio
  let browser: Browser

  beforeAll(async () => {
    bench = await Bench.make(plainNames(60))
    ;[studio, browser] = await Promise.all([bench.start(), chromium.launch({ executablePath: CHROMIUM })])
  }, PATIENCE_MS)
  afterAll(async () => {
    await browser?.close()
    await bench?.end()
  })

  /** A page that tells what went wrong in it, and whom it asked. */
  async function newPage(): Promise<{ page: Page; problems: string[]; asked: Set<string> }> {
    const page = await browser.newPage({ viewport: { width: 1280, height: 720 } })
    page.setDefaultTimeout(PATIENCE_MS)
    const problems: string[] = []
    const asked = new Set<string>()
    page.on('pageerror', (error) => problems.push(error.stack ?? error.message))
    page.on('console', (message) => {
      if (message.type() === 'error') problems.push(message.text())
    })
    page.on('request', (request) => asked.add(new URL(request.url()).hostname || 'inside'))
    await page.goto(studio.address)
    return { page, problems, asked }
  }

  const toView = (page: Page, view: string) => page.goto(`http://127.0.0.1:${studio.port}/#/${view}`)

  test('a person opens, trains, labels by keys and sees predictions', { timeout: 240_000 }, async () => {
    const { page, problems, asked } = await newPage()
    expect(page.url()).not.toContain('token')
    await page.locator('img[src*="/api/thumbnail/"]').first().waitFor()

    await toView(page, 'train')
    await page.locator('form button.main[type=submit]').click()
    const client = await Client.open(studio)
    // Labelling does not wait for the training.
    await toView(page, 'label')
    await page.locator('.photo-box img').waitFor()
    const made: string[] = []
    for (let count = 1; count <= 12; count++) {
      const name = KINDS[kindOf(await lookedAt(page))]
      const known = made.indexOf(name)
      if (known >= 0) {
        await page.keyboard.press(String(known + 1))
      } else {
        made.push(name)
        await page.keyboard.press('c')
        await page.keyboard.type(name)
        await page.keyboard.press('Enter')
      }
      await page.getByText(`${count} stored`).waitFor()
    }
    const { labels } = await client.view('labels')
    const { classes } = await client.view('state')
    const named = labels.flatMap((id, image) =>
      id < 0 ? [] : [[image, classes.find((each) => each.id === id)?.name]],
    )
    expect(named).toHaveLength(12)
    expect(named).toEqual(named.map(([image]) => [image, KINDS[kindOf(Number(image))]]))

    await toView(page, 'results')
    await page.getByRole('heading', { name: 'Results', exact: true }).waitFor()
    const { classes: predicted } = await client.view('predictions')
    expect(predicted).toHaveLength(60)
    expect(predicted.every((id) => classes.some((each) => each.id === id))).toBe(true)
    await toView(page, 'map')
    await page.locator('canvas').first().waitFor()
    // One in five was drawn at random and shown without a suggestion.
    const journal = path.join(bench.runs, 'shapes-studio', 'labels.jsonl')
    const seen = [...(await readFile(journal, 'utf8')).matchAll(/"do":"label".*?"seen":"(\w+)"/g)].map(
      ([, how]) => how,
    )
    expect(seen.filter((how) => how === 'blind')).toHaveLength(2)
    expect(seen.filter((how) => how === 'suggestion')).toHaveLength(10)
    expect(problems).toEqual([])
    expect([...asked].filter((host) => host !== '127.0.0.1' && host !== 'inside')).toEqual([])
    expect(bench.faults).toEqual([])
    await page.close()
  })

  test(
    'a change of a class is taken back after the page was loaded again',
    { timeout: 240_000 },
    async () => {
      const { page, problems } = await newPage()
      await toView(page, 'label')
      const names = () => page.locator('.class-row .name .cut').allTextContents()
      await page.getByRole('button', { name: 'Change disc' }).click()
      await page.getByLabel('New name of disc').fill('ring')
      await page.keyboard.press('Enter')
      await page.getByRole('button', { name: 'Change ring' }).waitFor()
      await page.reload()
      await page.getByRole('button', { name: 'Change ring' }).waitFor()
      await page.keyboard.press('Control+z')
      await page.getByRole('button', { name: 'Change disc' }).waitFor()
      expect((await names()).toSorted()).toEqual([...KINDS, 'none of these'].toSorted())
      const { labelled } = await (await Client.open(studio)).view('state')
      expect(labelled).toBe(12)
      expect(problems).toEqual([])
      await page.close()
    },
  )

  test(
    'the report is shown; a dropped picture is classified here; a dropped folder is opened',
    { timeout: 400_000 },
    async () => {
      const { page, problems, asked } = await newPage()
      await toView(page, 'results')
      await page.getByRole('button', { name: 'Report', exact: true }).click()
      await page.getByRole('button', { name: 'Show report' }).click()
      const report = page.frameLocator('iframe[title="Report of the run"]')
      await report.locator('h1').waitFor()
      await report.getByText('disc').first().waitFor()

      await toView(page, 'use')
      await page.getByText('Drop or paste a picture').waitFor()
      const pictures = [3, 4, 5].map((image) => path.join(bench.images, plainNames(60)[image]))
      const { predictions, state } = await views()
      for (const [i, picture] of pictures.entries()) {
        await drop(page, page.locator('.drop-picture'), picture)
        await page.getByText('Computed in this browser').waitFor()
        const verdict = page.locator('.verdict b')
        const expected = state.classes.find(({ id }) => id === predictions.classes[3 + i])?.name ?? ''
        await verdict.filter({ hasText: expected }).waitFor()
        const near = page.locator('.near li')
        await near.nth(5).waitFor()
        expect(await near.count()).toBe(6)
        const shares = (await page.locator('.probabilities .number').allTextContents()).map(parseFloat)
        expect(shares).toHaveLength(3)
        expect(shares.reduce((sum, share) => sum + share, 0)).toBeGreaterThan(97)
      }

      await cp(bench.images, path.join(bench.folder, 'elsewhere', 'dropped'), { recursive: true })
      await toView(page, 'images')
      await page.getByRole('button', { name: 'Open another' }).click()
      await drop(page, page.locator('section.drop'), path.join(bench.folder, 'elsewhere', 'dropped'))
      await page.getByRole('heading', { name: /dropped/ }).waitFor()
      await page.locator('img[src*="/api/thumbnail/"]').first().waitFor()
      await page.getByText('60 images').first().waitFor()
      expect(problems).toEqual([])
      expect([...asked].filter((host) => host !== '127.0.0.1' && host !== 'inside')).toEqual([])
      expect(bench.faults).toEqual([])
      await page.close()
    },
  )

  async function views() {
    const client = await Client.open(studio)
    return { predictions: await client.view('predictions'), state: await client.view('state') }
  }
})

/** Drops a file or a folder of the disk with the mouse, as a file manager does. */
async function drop(page: Page, onto: Locator, file: string): Promise<void> {
  const box = await onto.boundingBox()
  if (box === null) throw new Error('nothing to drop on')
  const session = await page.context().newCDPSession(page)
  const event = {
    x: box.x + box.width / 2,
    y: box.y + box.height / 2,
    data: { items: [], files: [file], dragOperationsMask: 1 },
  }
  for (const type of ['dragEnter', 'dragOver', 'drop'] as const)
    await session.send('Input.dispatchDragEvent', { type, ...event })
  await session.detach()
}
