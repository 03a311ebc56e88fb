/**
 * Pictures of every view, light and dark, desktop and phone, over made-up images:
 * `tsx bench/studio/screenshots.ts <folder> [view ...]`. With `STUDIO=<address>` of a running studio, pictures of that.
 */
import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { chromium } from 'playwright-core'
import { serveMockPage } from '../../packages/studio/test/serve-page.js'

const [folder = 'screenshots', ...wanted] = process.argv.slice(2)
const views = ['images', 'train', 'noise', 'map', 'label', 'results', 'use'].filter(
  (view) => wanted.length === 0 || wanted.includes(view),
)
const SIZES = { desktop: { width: 1280, height: 720 }, phone: { width: 390, height: 844 } }

await mkdir(folder, { recursive: true })
const served = process.env.STUDIO === undefined ? await serveMockPage() : undefined
const browser = await chromium.launch({ executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium' })
try {
  for (const [device, viewport] of Object.entries(SIZES))
    for (const colorScheme of ['light', 'dark'] as const) {
      const context = await browser.newContext({ viewport, colorScheme, hasTouch: device === 'phone' })
      const page = await context.newPage()
      page.on('console', (message) => {
        if (message.type() === 'error') console.log(`${device} ${colorScheme}: ${message.text()}`)
      })
      page.on('pageerror', (error) =>
        console.log(`${device} ${colorScheme}: ${error.stack ?? error.message}`),
      )
      await page.goto(process.env.STUDIO ?? `${served?.address}/mock.html?${process.env.MOCK ?? ''}`)
      for (const view of views) {
        await page.evaluate((to) => {
          location.hash = `#/${to}`
        }, view)
        await page.waitForTimeout(900)
        // A model without noise levels is in use: another one that has them is offered.
        const other = page.getByRole('button', { name: /^Use flow/ })
        if (view === 'noise' && (await other.count()) > 0) {
          await other.click()
          await page.waitForTimeout(700)
        }
        await page.screenshot({ path: join(folder, `${view}-${device}-${colorScheme}.png`) })
      }
      await context.close()
    }
} finally {
  await browser.close()
  await served?.close()
}
