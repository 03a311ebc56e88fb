/** What is dragged onto the page from the machine, dropped by a real browser: pictures, folders, and what is neither. */
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Browser, Page } from 'playwright-core'
import sharp from 'sharp'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { hasChromium, launch, open, reason } from './browser.js'
import { colourModel } from './colour-model.js'
import { serveMockPage, type Served } from './serve-page.js'

const COLOURS = { 'a red.png': '#f01020', 'blue.png': '#1020f0', 'green.png': '#10f020' }

/** Drops files and folders of this machine in the middle of an element. */
async function drop(page: Page, selector: string, files: string[]): Promise<void> {
  const box = await page.locator(selector).boundingBox()
  if (box === null) throw new Error('not on the screen')
  const at = { x: box.x + box.width / 2, y: box.y + box.height / 2 }
  const devtools = await page.context().newCDPSession(page)
  const data = { items: [], files, dragOperationsMask: 1 }
  for (const type of ['dragEnter', 'dragOver', 'drop'] as const) {
    await devtools.send('Input.dispatchDragEvent', { type, ...at, data })
    // No hand is faster than the page draws.
    await page.waitForTimeout(100)
  }
}

describe.skipIf(!hasChromium)(`files dropped on the page in Chromium${reason}`, () => {
  let served: Served
  let browser: Browser
  let folder: string
  const at = (query: string): string => `${served.address}/mock.html?${query}`
  const file = (...parts: string[]): string => join(folder, ...parts)

  beforeAll(async () => {
    ;[served, browser, folder] = await Promise.all([
      serveMockPage(),
      launch(),
      mkdtemp(join(tmpdir(), 'dropped-')),
    ])
    await mkdir(file('finds'))
    await mkdir(file('texts'))
    for (const [name, background] of Object.entries(COLOURS))
      await sharp({ create: { width: 20, height: 20, channels: 3, background } }).png().toFile(file('finds', name)) // prettier-ignore
    await writeFile(file('broken.jpg'), 'no picture')
    await writeFile(file('texts', 'letter.txt'), 'no picture')
    await writeFile(join(served.folder, 'colours.onnx'), colourModel(['leaf', 'mug', 'fish']))
  })
  afterAll(async () => {
    await browser?.close()
    await served?.close()
    await rm(folder, { recursive: true, force: true })
  })

  test('several pictures are tried one after another; what is none says so by its name', async () => {
    const page = await open(browser, at('stage=labelled&images=60&model=/colours.onnx'), 'use')
    const verdict = (name: string) => page.locator('.verdict', { hasText: name }).waitFor()
    await drop(page, '.drop-picture', [file('finds', 'blue.png'), file('finds', 'green.png')])
    await verdict('fish')
    await page.getByText('1 of 2').waitFor()
    await page.getByRole('button', { name: 'Next picture' }).click()
    await verdict('mug')
    expect(await page.getByRole('button', { name: 'Next picture' }).isDisabled()).toBe(true)
    await drop(page, '.drop-picture', [file('finds')])
    await verdict('leaf')
    await page.getByText('1 of 3').waitFor()

    await drop(page, '.drop-picture', [file('broken.jpg')])
    await page.getByText('broken.jpg: got no picture that this browser can read').waitFor()
    expect(await page.locator('.drop-picture img').count()).toBe(0)
    await drop(page, '.drop-picture', [file('texts', 'letter.txt')])
    await page.getByText('letter.txt: got no picture').waitFor()
    // Beside the place for it a picture is let go of, and the page stays.
    await drop(page, '.take-away', [file('finds', 'blue.png')])
    await page.waitForTimeout(300)
    expect(page.url()).toContain('#/use')
    expect(await page.locator('.verdict').count()).toBe(0)
    expect(page.problems).toEqual([])
    await page.close()
  })

  test('a folder is taken anywhere on the view Images, before and after another; texts alone are not copied', async () => {
    const page = await open(browser, at('stage=empty'), 'images')
    await drop(page, 'main h1', [file('texts')])
    await page.getByText('texts: 1 file, none of them an image').waitFor()
    await drop(page, 'main h1', [file('finds')])
    await page.getByText('Copied to /home/ada/runs/finds-images').waitFor()
    await page.getByRole('button', { name: 'Open another' }).waitFor()
    await page.getByRole('button', { name: 'Close this message' }).click()
    await drop(page, '.grid', [file('finds')])
    await page.getByText('Copied to /home/ada/runs/finds-images').waitFor()
    expect(page.problems).toEqual([])
    await page.close()
  })
})
