/** Headless Chromium as Debian has it; tests that need one say that they skip where there is none. */
import { existsSync } from 'node:fs'
import { type Browser, chromium } from 'playwright-core'

const executablePath = ['/usr/bin/chromium', '/usr/bin/chromium-browser', '/usr/bin/google-chrome'].find(
  (file) => existsSync(file),
)

export const hasChromium = executablePath !== undefined
export const CHROMIUM_NEEDED = hasChromium ? '' : ' (skipped: there is no Chromium here)'

export const openChromium = (): Promise<Browser> =>
  chromium.launch({ executablePath, args: ['--no-sandbox'] })
