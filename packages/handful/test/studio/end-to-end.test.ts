/** From a folder of images without a label to predictions, in a real browser that reaches nothing but the studio. */
import { existsSync } from 'node:fs'
import { chromium, type Page } from 'playwright-core'
import { afterAll, describe, expect, test } from 'vitest'
import { Bench, Client, kindOf, plainNames } from './studio-under-test.js'

const CHROMIUM = process.env.CHROMIUM ?? '/usr/bin/chromium'
const hasChromium = existsSync(CHROMIUM)
const reason = hasChromium ? '' : ` (skipped: no ${CHROMIUM}; set CHROMIUM to a browser)`

const KINDS = ['disc', 'bar', 'cross']

const lookedAt = async (page: Page): Promise<number> =>
  Number(await page.locator('.photo-box img').getAttribute('data-image'))

describe.skipIf(!hasChromium)(`the studio in Chromium${reason}`, () => {
  let bench: Bench | undefined
  afterAll(() => bench?.end())

  test('a person opens, trains, labels by keys and sees predictions', { timeout: 120_000 }, async () => {
    bench = await Bench.make(plainNames(60))
    const studio = await bench.start()
    const browser = await chromium.launch({ executablePath: CHROMIUM })
    try {
      const page = await browser.newPage({ viewport: { width: 1280, height: 720 } })
      const problems: string[] = []
      const asked = new Set<string>()
      page.on('pageerror', (error) => problems.push(error.stack ?? error.message))
      page.on('console', (message) => {
        if (message.type() === 'error') problems.push(message.text())
      })
      page.on('request', (request) => asked.add(new URL(request.url()).hostname || 'inside'))
      await page.goto(studio.address)
      expect(page.url()).not.toContain('token')
      await page.locator('img[src*="/api/thumbnail/"]').first().waitFor()

      await page.goto(`http://127.0.0.1:${studio.port}/#/train`)
      await page.locator('form button.main[type=submit]').click()
      const client = await Client.open(studio)
      // Labelling does not wait for the training.
      await page.goto(`http://127.0.0.1:${studio.port}/#/label`)
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

      await page.goto(`http://127.0.0.1:${studio.port}/#/results`)
      await page.getByRole('heading', { name: 'Results', exact: true }).waitFor({ timeout: 100_000 })
      const { classes: predicted } = await client.view('predictions')
      expect(predicted).toHaveLength(60)
      expect(predicted.every((id) => classes.some((each) => each.id === id))).toBe(true)
      await page.goto(`http://127.0.0.1:${studio.port}/#/map`)
      await page.locator('canvas').first().waitFor()
      expect(problems).toEqual([])
      expect([...asked].filter((host) => host !== '127.0.0.1' && host !== 'inside')).toEqual([])
      expect(bench.faults).toEqual([])
    } finally {
      await browser.close()
    }
  })
})
