/**
 * Pictures of every view, light and dark, desktop and phone, as WebP:
 *
 *     tsx bench/studio/screenshots.ts <folder> [--photos <folder of class folders> --scratch <folder>] [--only view,view]
 *
 * With photographs a real studio is trained and labelled on them (bench/studio/real-studio.ts), and what was made in the
 * scratch folder is taken up again; without, images are made up. Those in docs/studio are of the hand signs of the "Sign
 * Language Digits Dataset" (Ankara Ayranci Anadolu high school; Apache-2.0).
 */
import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { chromium, type Page } from 'playwright-core'
import sharp from 'sharp'
import { serveMockPage } from '../../packages/studio/test/serve-page.js'
import { labelSome, realStudio, type RealStudio } from './real-studio.js'

const VIEWS = ['noise', 'images', 'train', 'map', 'label', 'results', 'use'] as const
const SIZES = { desktop: { width: 1280, height: 720 }, phone: { width: 390, height: 844 } }
const LABELS = 100
const WAIT_MS = 600_000

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    photos: { type: 'string' },
    scratch: { type: 'string', default: 'screenshots-scratch' },
    minutes: { type: 'string', default: '5' },
    only: { type: 'string' },
  },
})
const [folder = 'screenshots'] = positionals
const views = VIEWS.filter((view) => values.only?.split(',').includes(view) ?? true)

await mkdir(folder, { recursive: true })
const real =
  values.photos === undefined
    ? undefined
    : await realStudio(values.photos, values.scratch, { name: 'hand-signs', minutes: Number(values.minutes) })
const served = real === undefined ? await serveMockPage() : undefined
const browser = await chromium.launch({ executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium' })
try {
  if (real !== undefined) {
    await labelSome(real, LABELS)
  }
  for (const view of views) {
    if (real !== undefined) await real.show(view === 'noise' ? 'diffusion' : 'contrastive')
    for (const [device, viewport] of Object.entries(SIZES))
      for (const colorScheme of ['light', 'dark'] as const) {
        const name = `${view}-${device}-${colorScheme}`
        const page = await browser.newPage({ viewport, colorScheme, hasTouch: device === 'phone' })
        page.setDefaultTimeout(WAIT_MS)
        page.on('pageerror', (error) => console.log(`${name}: ${error.stack ?? error.message}`))
        page.on('console', (message) => {
          if (message.type() === 'error') console.log(`${name}: ${message.text()}`)
        })
        await page.goto(real?.studio.address ?? `${served?.address}/mock.html`)
        await page.evaluate((to) => {
          location.hash = `#/${to}`
        }, view)
        await (real === undefined ? playedView(page, view) : realView(page, view, real))
        await page.waitForTimeout(700)
        const picture = await page.screenshot()
        await writeFile(join(folder, `${name}.webp`), await sharp(picture).webp({ quality: 72 }).toBuffer())
        await page.close()
      }
  }
} finally {
  await browser.close()
  await served?.close()
  await real?.studio.close()
}

async function playedView(page: Page, view: string): Promise<void> {
  await page.waitForTimeout(900)
  // A model without noise levels is in use: another one that has them is offered.
  const other = page.getByRole('button', { name: /^Use flow/ })
  if (view === 'noise' && (await other.count()) > 0) await other.click()
}

/** Until the view holds what a person comes for. */
async function realView(page: Page, view: string, { classOf, fileOf, client }: RealStudio): Promise<void> {
  const picture = page.locator('img[src*="/api/"]').first()
  if (view === 'map') {
    await page.locator('.map-surface canvas').first().waitFor()
    await page.waitForTimeout(1500)
  } else if (view === 'noise') {
    await picture.waitFor()
    await page.getByText(/^accuracy \d/).waitFor()
    await page.getByText('Accuracy of the features over the noise').waitFor()
  } else if (view === 'use') {
    const { labels } = await client.view('labels')
    const image = labels.findIndex((label, i) => label === -1 && classOf(i) === '3')
    await page.getByLabel('Picture file').setInputFiles(fileOf(image))
    await page.locator('.verdict').waitFor()
    await page.getByText('Computed in this browser').waitFor()
  } else await picture.waitFor()
  await page.waitForFunction(() =>
    [...document.querySelectorAll<HTMLImageElement>('main img')].every((each) => each.complete),
  )
}
