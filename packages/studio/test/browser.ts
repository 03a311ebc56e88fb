/** Chromium for the tests of the page; where there is none they are skipped, and say so. */
import { existsSync } from 'node:fs'
import { type Browser, chromium, type Page } from 'playwright-core'
import type { MockStudio } from '../mock/mock-studio.js'

declare global {
  interface Window {
    mock: MockStudio
  }
}

export const CHROMIUM = process.env.CHROMIUM ?? '/usr/bin/chromium'
export const hasChromium = existsSync(CHROMIUM)
export const reason = hasChromium ? '' : ` (skipped: no ${CHROMIUM}; set CHROMIUM to a browser)`

export const launch = (...args: string[]): Promise<Browser> =>
  chromium.launch({ executablePath: CHROMIUM, args })

/** The mock page on a view; fails on any error that the page tells its console. */
export async function open(
  browser: Browser,
  address: string,
  view: string,
  options: Parameters<Browser['newPage']>[0] = {},
): Promise<Page & { readonly problems: string[] }> {
  const page = await browser.newPage({ viewport: { width: 1280, height: 720 }, ...options })
  const problems: string[] = []
  page.on('pageerror', (error) => problems.push(error.stack ?? error.message))
  page.on('console', (message) => {
    if (message.type() === 'error') problems.push(message.text())
  })
  await page.goto(`${address}#/${view}`)
  await page.locator('main h1, main h2').first().waitFor()
  return Object.assign(page, { problems })
}

/** The image that is looked at in one-by-one labelling. */
export const lookedAt = async (page: Page): Promise<number> =>
  Number(await page.locator('.photo-box img').getAttribute('data-image'))
