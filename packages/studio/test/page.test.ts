/** The page in a real browser, over made-up images, under the studio's content security policy. */
import { readFile, readdir, writeFile } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { join } from 'node:path'
import type { Browser, Locator, Page } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { colourModel } from './colour-model.js'
import { hasChromium, launch, lookedAt, open, reason } from './browser.js'
import { serveMockPage, type Served } from './serve-page.js'

const VIEWS = ['images', 'train', 'noise', 'map', 'label', 'results', 'use'] as const

const DEVICES = { desktop: { width: 1280, height: 720 }, phone: { width: 390, height: 844 } }

/** What else there is to see on a view, by its buttons. */
const PARTS: Partial<Record<(typeof VIEWS)[number], readonly string[]>> = {
  images: ['Open another', 'Cancel'],
  map: ['Prediction', 'Confidence', 'Group'],
  label: ['Many', 'Change leaf'],
  results: ['Mix-ups', 'Labels to check', 'Accuracy', 'Report'],
  use: ['Draw one'],
}

/** Puts a finger there and leaves it for a while. */
async function hold(page: Page, place: Locator): Promise<void> {
  const box = await place.boundingBox()
  if (box === null) throw new Error('not on the screen')
  const devtools = await page.context().newCDPSession(page)
  const touchPoints = [{ x: box.x + box.width / 2, y: box.y + box.height / 2 }]
  await devtools.send('Input.dispatchTouchEvent', { type: 'touchStart', touchPoints })
  await page.waitForTimeout(700)
  await devtools.send('Input.dispatchTouchEvent', { type: 'touchEnd', touchPoints: [] })
}

/** In the page: what is cut off by the screen, or reaches over the edge of what it stands in, unless that scrolls or cuts it. */
function tooWide(): string[] {
  const name = (each: Element): string => `${each.tagName.toLowerCase()}.${each.className}`
  const page = document.documentElement
  const own = page.scrollWidth > page.clientWidth ? [`page: ${page.scrollWidth}`] : []
  const over = [...document.querySelectorAll('.side *, main, main *')].filter((each) => {
    const parent = each.parentElement
    if (parent === null || each.getClientRects().length === 0) return false
    const { position } = getComputedStyle(each)
    if (position === 'absolute' || position === 'fixed' || each.closest('svg, .u-wrap') !== null) return false
    const shows = getComputedStyle(parent).overflowX === 'visible'
    return shows && each.getBoundingClientRect().right > parent.getBoundingClientRect().right + 2
  })
  return [...own, ...over.map(name)]
}

describe.skipIf(!hasChromium)(`the page in Chromium${reason}`, () => {
  let served: Served
  let browser: Browser
  const at = (query = '') => `${served.address}/mock.html?${query}`

  beforeAll(async () => {
    ;[served, browser] = await Promise.all([serveMockPage(), launch()])
  })
  afterAll(async () => {
    await browser?.close()
    await served?.close()
  })

  test('50 labels at 8 a second: 50 stored, none wrong, the next image in under 50 ms', async () => {
    const page = await open(browser, at('stage=labelled&latency=15'), 'label')
    await page.evaluate(watchImages)
    const before = await page.evaluate(() => window.mock.journal.length)
    const expected: { image: number; label: number }[] = []
    for (let k = 0; k < 50; k++) {
      const began = performance.now()
      const key = (k % 7) + 1
      expected.push({ image: await lookedAt(page), label: key - 1 })
      await page.keyboard.press(String(key))
      await page.waitForTimeout(Math.max(0, 125 - (performance.now() - began)))
    }
    await page.getByText('50 stored').waitFor()
    const rows = await page.evaluate((from) => window.mock.journal.slice(from), before)
    expect(rows.map(({ image, label }) => ({ image, label }))).toEqual(expected)
    expect(new Set(rows.map(({ step }) => step)).size).toBe(50)
    // One in five is blind, and nothing was suggested there.
    expect(rows.filter(({ seen }) => seen === 'blind')).toHaveLength(10)
    const waits = await page.evaluate(() => window.waits)
    expect(waits).toHaveLength(50)
    expect(waits.toSorted((a, b) => a - b)[25]).toBeLessThan(50)
    expect(page.problems).toEqual([])
    await page.close()
  })

  test('from no label: a typed name makes the class; digits, skip, none, undo, history', async () => {
    const page = await open(browser, at('stage=ready'), 'label')
    const first = await lookedAt(page)
    await page.keyboard.press('c')
    // Keys are silent while typing.
    await page.keyboard.type('n1 a?')
    expect(await lookedAt(page)).toBe(first)
    // What is given up is not the beginning of the next name.
    await page.keyboard.press('Escape')
    expect(await page.locator('#new-class').inputValue()).toBe('')
    await page.keyboard.press('c')
    await page.keyboard.type('n1 a?')
    await page.keyboard.press('Enter')
    await page.getByText('1 stored').waitFor()
    const second = await lookedAt(page)
    await page.keyboard.press('1')
    const third = await lookedAt(page)
    await page.keyboard.press('Space')
    const fourth = await lookedAt(page)
    await page.keyboard.press('n')
    await page.getByText('3 stored').waitFor()
    expect(new Set([first, second, third, fourth]).size).toBe(4)
    expect(await journal(page)).toEqual([
      [first, 0, false],
      [second, 0, false],
      [fourth, -2, false],
    ])
    await page.getByText('5 of 5').waitFor()
    await page.keyboard.press('ArrowLeft')
    await page.getByText('4 of 5').waitFor()
    expect(await lookedAt(page)).toBe(fourth)
    await page.keyboard.press('ArrowRight')
    await page.keyboard.press('z')
    await page.waitForFunction(() => window.mock.journal.length === 4)
    // What was undone is looked at again.
    expect(await lookedAt(page)).toBe(fourth)
    await page.keyboard.press('Control+y')
    await page.waitForFunction(() => window.mock.journal.length === 5)
    expect((await journal(page)).slice(3)).toEqual([
      [fourth, -1, true],
      [fourth, -2, true],
    ])
    await page.keyboard.press('?')
    await page.getByRole('dialog', { name: 'Keys' }).waitFor()
    await page.keyboard.press('1')
    await page.keyboard.press('Escape')
    expect(await journal(page)).toHaveLength(5)
    await page.close()
  })

  test('suggestions follow a run as soon as it is there, before any label; what is looked at stays', async () => {
    const page = await open(browser, at('stage=untrained&images=400&latency=5'), 'label')
    const why = page.locator('.why')
    await why.filter({ hasText: 'drawn at random' }).waitFor()
    const shown = await lookedAt(page)
    const next = () => page.locator('.strip img').nth(1).getAttribute('src')
    const drawn = await next()
    await page.evaluate(() => window.mock.finishTraining())
    await expect.poll(next, { timeout: 20_000 }).not.toBe(drawn)
    expect(await lookedAt(page)).toBe(shown)
    await page.keyboard.press('Space')
    await why.filter({ hasText: 'the typical image of a group' }).waitFor()
    expect(page.problems).toEqual([])
    await page.close()
  })

  test('keys faster than a slow studio: there is always a next image while some have no label', async () => {
    // No run, so that no new predictions ask for suggestions either.
    const page = await open(browser, at('stage=untrained&images=400&latency=150'), 'label')
    await page.locator('.photo-box img').waitFor()
    await page.keyboard.press('c')
    await page.keyboard.type('leaf')
    await page.keyboard.press('Enter')
    await page.getByText('1 stored').waitFor()
    // Image by image as fast as the page shows them; it may be slow, but not for good.
    const pressed = await page.evaluate(async (most) => {
      let count = 0
      for (let waited = 0; count < most && waited < 200;) {
        if (document.querySelector('.photo-box img') === null) {
          waited++
          await new Promise((resolve) => setTimeout(resolve, 50))
          continue
        }
        dispatchEvent(new KeyboardEvent('keydown', { key: '1' }))
        count++
        await new Promise((resolve) => requestAnimationFrame(resolve))
      }
      return count
    }, 150)
    expect(pressed).toBe(150)
    expect(page.problems).toEqual([])
    await page.close()
  })

  test('while images are read their number is told, what is skipped, and the first are shown', async () => {
    const page = await open(browser, at('stage=reading'), 'images')
    await page.getByText('Reading the folder … 12,300 files so far, 14 skipped so far').waitFor()
    expect(await page.locator('.found img').count()).toBe(24)
    const widths = await page
      .locator('.found img')
      .evaluateAll((all) => all.map((each) => (each as HTMLImageElement).naturalWidth))
    expect(Math.min(...widths)).toBeGreaterThan(0)
    await page.goto(`${at('stage=untrained')}#/images`)
    await page.evaluate(() => window.mock.ask('train', { model: 'vae', minutes: 5 }))
    await page.getByText(/^\d[\d,]* of 60,000 read, 14 skipped so far$/).waitFor()
    await page.getByText('3,000 images', { exact: true }).waitFor()
    expect(page.problems).toEqual([])
    await page.close()
  })

  test('curves of unlike scale have panels of their own, in the shape of their line', async () => {
    const page = await open(browser, at('stage=ready'), 'train')
    await page.evaluate(() => window.mock.ask('train', { model: 'diffusion', minutes: 5 }))
    // The played reconstruction falls from 4,000 while the divergence rises from below zero to 3.
    for (const name of ['reconstruction, vae', 'divergence, vae', 'loss, diffusion'])
      await page.getByRole('img', { name: new RegExp(`^${name}: .* at step [1-9]`) }).waitFor()
    const heights = await page.evaluate(() =>
      [...document.querySelectorAll('.curve-panel')]
        .filter((panel) => / vae/.test(panel.textContent))
        .map((panel) => {
          const canvas = panel.querySelector('canvas') as HTMLCanvasElement
          const { width, height } = canvas
          const { data } = (canvas.getContext('2d') as CanvasRenderingContext2D).getImageData(
            0,
            0,
            width,
            height,
          )
          // Rows that hold the line: its colour is the only one that is no grey.
          const isLine = (i: number) =>
            data[i + 3] > 200 &&
            Math.max(data[i], data[i + 1], data[i + 2]) - Math.min(data[i], data[i + 1], data[i + 2]) > 60
          const rows = Array.from({ length: height }, (_, y) =>
            Array.from({ length: width }, (_, x) => 4 * (y * width + x)).some(isLine),
          )
          return (rows.lastIndexOf(true) - rows.indexOf(true)) / height
        }),
    )
    expect(heights.length).toBe(5)
    for (const height of heights) expect(height).toBeGreaterThan(0.4)
    expect(page.problems).toEqual([])
    await page.close()
  })

  test('by touch on a phone: a class typed, chosen, changed, none of these, skip, undo, many at once', async () => {
    const touch = { viewport: DEVICES.phone, hasTouch: true, isMobile: true }
    const page = await open(browser, at('stage=ready&images=300'), 'label', touch)
    // What is pressed has to be on the screen, and where the finger lands.
    const tap = async (name: string | RegExp) => {
      const button = page.getByRole('button', { name }).first()
      const box = await button.boundingBox()
      expect(box && box.x >= 0 && box.x + box.width <= 390, String(name)).toBe(true)
      expect(box && box.height >= 30, String(name)).toBe(true)
      await button.tap()
    }
    const typed = async (name: string) => {
      await page.getByRole('textbox', { name: /^New class/ }).tap()
      await page.keyboard.type(name)
      await tap('Add')
    }
    const first = await lookedAt(page)
    const later: number[] = []
    for (const name of ['leaf', 'star']) {
      await typed(name)
      later.push(await lookedAt(page))
    }
    await page.getByText('2 stored').waitFor({ state: 'attached' })
    await tap(/leaf\s*: label this image/)
    const skipped = await lookedAt(page)
    await tap('Skip')
    const none = await lookedAt(page)
    await tap(/none of these\s*: label this image/)
    await page.waitForFunction(() => window.mock.journal.length === 4)
    await tap('Undo')
    await page.waitForFunction(() => window.mock.journal.length === 5)
    expect(await journal(page)).toEqual([
      [first, 0, false],
      [later[0], 1, false],
      [later[1], 0, false],
      [none, -2, false],
      [none, -1, true],
    ])
    expect(skipped).not.toBe(none)
    await tap('Change star')
    await page.getByRole('textbox', { name: 'New name of star' }).fill('stars')
    await tap('Done')
    await page.getByRole('button', { name: /stars\s*: label this image/ }).waitFor()
    await tap('Many')
    for (const image of [0, 1]) await page.locator(`[data-image="${image}"]`).tap()
    await page.getByText('2 images selected').waitFor()
    await tap(/stars\s*: label what is selected/)
    await page.waitForFunction(() => window.mock.journal.length >= 7)
    expect((await journal(page)).slice(-2)).toEqual([
      [0, 1, false],
      [1, 1, false],
    ])
    await page.locator('[data-image="2"]').tap()
    await hold(page, page.locator('[data-image="5"]'))
    await page.getByText('4 images selected').waitFor()
    await tap('All')
    await page.getByText('300 images selected').waitFor()
    expect(page.problems).toEqual([])
    await page.close()
  })

  test('pictures of a training: one press of an arrow is one picture back, and nothing moves', async () => {
    const page = await open(browser, at('stage=ready'), 'train')
    const slider = page.getByRole('slider', { name: /Time of the pictures/ })
    const caption = page.locator('.sheets figcaption')
    const height = async () => (await page.locator('.sheets img').boundingBox())?.height
    await page.getByText('vae-1, step 12,000').waitFor()
    const before = await height()
    await slider.press('ArrowLeft')
    await page.getByText('vae-1, step 11,400').waitFor()
    await slider.press('Home')
    expect(await caption.textContent()).toBe('vae-1, step 0')
    expect(await height()).toBe(before)
    await page
      .getByRole('radio', { name: 'Reconstructions' })
      .or(page.getByText('Reconstructions'))
      .first()
      .click()
    await slider.press('End')
    await page.getByText('vae-1, step 12,000').waitFor()
    await page.close()
  })

  test('every change of a class is taken back by one Ctrl+Z and done again: name, key, colour and images', async () => {
    const page = await open(browser, at('stage=labelled&images=400&latency=30'), 'label')
    const rows = () =>
      page.locator('.class-row').evaluateAll((all) =>
        all.map((row) => {
          const [name, count] = [row.querySelector('.name'), row.querySelector('.count')]
          const swatch = row.querySelector<HTMLElement>('.swatch')
          return [name?.textContent, count?.textContent, swatch?.style.backgroundColor].join(' ')
        }),
      )
    const labels = async () => (await page.evaluate(() => window.mock.view('labels'))).labels
    const before = [await rows(), await labels()]
    expect(before[0][0]).toMatch(/^1leaf.* \d+ rgb/)
    const editor = async () => {
      await page.getByRole('button', { name: 'Change mug' }).click()
      return page.locator('.class-edit')
    }
    const changes = {
      rename: async () => {
        await (await editor()).getByLabel('New name of mug').fill('cup')
        await page.keyboard.press('Enter')
      },
      merge: async () => void (await (await editor()).getByLabel(/^Merge mug/).selectOption('leaf')),
      delete: async () => (await editor()).getByRole('button', { name: 'Delete' }).click(),
      add: async () => {
        await page.keyboard.press('c')
        await page.keyboard.type('new kind')
        // Without an image to label there is nothing but the class.
        await page.evaluate(() => window.mock.ask('addClass', { name: 'new kind' }))
        await page.keyboard.press('Escape')
      },
    }
    for (const [kind, change] of Object.entries(changes)) {
      await change()
      await expect.poll(rows, { message: kind }).not.toEqual(before[0])
      const after = [await rows(), await labels()]
      await page.keyboard.press('Control+z')
      await expect.poll(rows, { message: kind }).toEqual(before[0])
      expect(await labels(), kind).toEqual(before[1])
      await page.getByText('Change of classes taken back.').waitFor()
      await page.keyboard.press('Control+y')
      await expect.poll(rows, { message: kind }).toEqual(after[0])
      expect(await labels(), kind).toEqual(after[1])
      await page.keyboard.press('Control+z')
      await expect.poll(rows, { message: kind }).toEqual(before[0])
    }
    expect(page.problems).toEqual([])
    await page.close()
  })

  test('the audit is blind: nothing of a prediction is seen, and a slip that is put right still counts', async () => {
    const page = await open(browser, at('stage=labelled&images=400&latency=5'), 'label')
    const names = await page.evaluate(() =>
      window.mock.view('state').then(({ classes }) => classes.map(({ name }) => name)),
    )
    let blind = -1
    for (let shown = 0; blind < 0 && shown < 8; shown++) {
      const why = (await page.locator('.why').textContent()) ?? ''
      if (why.startsWith('Check')) blind = await lookedAt(page)
      else {
        expect(
          names.some((name) => why.startsWith(`${name}?`)),
          why,
        ).toBe(true)
        const before = await lookedAt(page)
        await page.keyboard.press('1')
        await expect.poll(() => lookedAt(page)).not.toBe(before)
      }
    }
    expect(blind).toBeGreaterThanOrEqual(0)
    // Neither where it is shown, nor by Enter, nor by what is like it.
    const stage = (await page.locator('.stage').textContent()) ?? ''
    for (const name of names) expect(stage).not.toContain(name)
    expect(stage).not.toMatch(/\d\s*%/)
    expect(await page.getByRole('button', { name: /^Accept/ }).isDisabled()).toBe(true)
    expect(await page.getByRole('button', { name: 'More like this' }).isDisabled()).toBe(true)
    await page.keyboard.press('Enter')
    expect(await lookedAt(page)).toBe(blind)
    const seen = async () => {
      const rows = await page.evaluate(() => window.mock.journal)
      return rows
        .filter(({ image }) => image === blind)
        .map(({ label, seen: how, undo }) => (undo ? 'undo' : `${label} ${how}`))
    }
    await page.keyboard.press('1')
    await expect.poll(seen).toEqual(['0 blind'])
    await page.keyboard.press('z')
    await expect.poll(seen).toEqual(['0 blind', 'undo'])
    expect(await lookedAt(page)).toBe(blind)
    expect(await page.locator('.why').textContent()).toMatch(/^Check/)
    // Where predictions stand on other images there is none on it as long as it has no label.
    await page.getByRole('button', { name: 'Many' }).click()
    await page.locator('.tag.guess').first().waitFor()
    await page.keyboard.press('/')
    await page.keyboard.type(`IMG_${String(blind + 1).padStart(5, '0')}`)
    await page.keyboard.press('Enter')
    await page.getByRole('button', { name: '1 of 400' }).waitFor()
    expect(await page.locator('.cell .tag').count()).toBe(0)
    await page.getByRole('button', { name: '1 of 400' }).click()
    await page.getByRole('button', { name: 'One at a time' }).click()
    expect(await lookedAt(page)).toBe(blind)
    await page.keyboard.press('2')
    await expect.poll(seen).toEqual(['0 blind', 'undo', '1 blind'])
    expect(page.problems).toEqual([])
    await page.close()
  })

  test('a lost connection: labels are kept, said, and stored when it is back', async () => {
    const page = await open(browser, at('stage=labelled'), 'label')
    await page.evaluate(() => window.mock.cut(true))
    const before = (await journal(page)).length
    const images: number[] = []
    for (const key of ['1', '2', '3']) {
      images.push(await lookedAt(page))
      await page.keyboard.press(key)
    }
    await page.getByText('3 labels kept here').waitFor()
    expect(await journal(page)).toHaveLength(before)
    await page.evaluate(() => window.mock.cut(false))
    await page.getByText('3 stored').waitFor()
    expect((await journal(page)).slice(before)).toEqual(images.map((image, label) => [image, label, false]))
    await page.close()
  })

  test('a lasso of 177 points filters in under 200 ms, one key labels, one Ctrl+Z takes it back', async () => {
    const page = await open(browser, at('stage=labelled'), 'map')
    await lassoOf177(page)
    expect(page.problems).toEqual([])
    await page.close()
  })

  test('a rectangle picks out what lies in it; its tools stay where they were, and the card at a point is seen whole', async () => {
    const page = await open(browser, at('stage=labelled&images=400'), 'map')
    const tool = page.getByRole('button', { name: 'Rectangle' })
    const before = await tool.boundingBox()
    await tool.click()
    expect(await tool.boundingBox()).toEqual(before)
    const place = (await page.locator('.map-surface').boundingBox()) ?? { x: 0, y: 0, width: 0, height: 0 }
    const { positions } = await page.evaluate(() => window.mock.view('map'))
    const scale = 0.46 * Math.min(place.width, place.height)
    const [middleX, middleY] = [place.x + place.width / 2, place.y + place.height / 2]
    // The right half of the map, from above all points to below them.
    await page.mouse.move(middleX, place.y + 2)
    await page.mouse.down()
    await page.mouse.move(middleX + scale * 1.05, place.y + place.height - 2, { steps: 4 })
    await page.mouse.up()
    const inside = Array.from(positions).filter((x, k) => k % 2 === 0 && x > 0).length
    await page.getByRole('button', { name: `Take off: rectangle: ${inside} images` }).click()
    await page.getByRole('button', { name: '400 of 400' }).waitFor()
    const ends = Array.from({ length: 400 }, (_, k) => k)
    for (const image of [
      ends.reduce((a, b) => (positions[2 * a] > positions[2 * b] ? a : b)),
      ends.reduce((a, b) => (positions[2 * a + 1] < positions[2 * b + 1] ? a : b)),
    ]) {
      await page.mouse.move(
        middleX + positions[2 * image] * scale,
        middleY - positions[2 * image + 1] * scale,
      )
      const card = (await page.locator('.hover').boundingBox()) ?? { x: 0, y: 0, width: 0, height: 0 }
      expect(card.x + card.width).toBeLessThanOrEqual(place.x + place.width)
      expect(card.y + card.height).toBeLessThanOrEqual(place.y + place.height)
    }
    expect(page.problems).toEqual([])
    await page.close()
  })

  test('many at once: shift range, Ctrl+A, A above the threshold, chips and the one counter', async () => {
    const page = await open(browser, at('stage=labelled&images=400'), 'label')
    await page.getByRole('button', { name: 'Many' }).click()
    const cells = page.getByRole('option')
    await cells.nth(2).click()
    const box = await cells.nth(2).boundingBox()
    await cells.nth(5).click({ modifiers: ['Shift'] })
    await page.getByText('4 images selected').waitFor()
    expect(await cells.nth(2).boundingBox()).toEqual(box)
    await page.keyboard.press('2')
    await page.waitForFunction(() => window.mock.journal.length === 4)
    expect(new Set((await journal(page)).map(([, label]) => label))).toEqual(new Set([1]))

    await page.keyboard.press('/')
    await page.keyboard.type('IMG_0001')
    await page.keyboard.press('Enter')
    await page.getByRole('button', { name: '10 of 400' }).waitFor()
    await page.keyboard.press('Control+a')
    await page.keyboard.press('n')
    await page.waitForFunction(() => window.mock.journal.length === 14)
    await page.getByRole('button', { name: 'Take off: name has' }).waitFor()
    await page.getByRole('button', { name: '10 of 400' }).click()
    await page.getByRole('button', { name: '400 of 400' }).waitFor()
    await page.waitForTimeout(400)
    const accepted = Number(
      (await page.getByRole('button', { name: /^Accept \d+ shown/ }).textContent())?.match(/\d+/)?.[0],
    )
    expect(accepted).toBeGreaterThan(10)
    await page.keyboard.press('a')
    await page.waitForFunction((count) => window.mock.journal.length === 14 + count, accepted)
    const rows = await page.evaluate(() => window.mock.journal.slice(14))
    expect(new Set(rows.map(({ step, seen }) => `${step} ${seen}`)).size).toBe(1)
    await page.close()
  })

  test('a grid by keys alone: arrows, Space, Shift, a class for the image at the cursor; screen readers hear which', async () => {
    const page = await open(browser, at('stage=labelled&images=400'), 'label')
    const grid = page.getByRole('listbox', { name: 'Images to label' })
    // By Tab to the switch and by its keys to the grid: no mouse at all.
    const tabTo = async (place: Locator) => {
      for (let k = 0; k < 60; k++) {
        if (await place.evaluate((element) => element === document.activeElement).catch(() => false)) return
        await page.keyboard.press('Tab')
      }
      throw new Error('Tab does not come there')
    }
    await tabTo(page.getByRole('button', { name: 'Many' }))
    await page.keyboard.press('Enter')
    await tabTo(grid)
    const said = () =>
      grid.evaluate((list) =>
        document.getElementById(list.getAttribute('aria-activedescendant') ?? '')?.getAttribute('aria-label'),
      )
    const shown = await page
      .getByRole('option')
      .evaluateAll((all) => all.map((each) => Number((each as HTMLElement).dataset.image)))
    const first = `IMG_${String(shown[0] + 1).padStart(5, '0')}.jpg`
    await expect.poll(said).toContain(first)
    expect(await said()).toMatch(/, (no label|labelled \w+|predicted \w+, \d+ %)$/)
    await page.getByText('This image').waitFor()
    await page.keyboard.press('3')
    await page.waitForFunction(() => window.mock.journal.length === 1)
    await expect.poll(said).toMatch(/, labelled \w+$/)
    // One, not the next, the one after it; then the range from there.
    await page.keyboard.press('ArrowRight')
    await page.keyboard.press('Space')
    await page.keyboard.press('ArrowRight')
    await page.keyboard.press('ArrowRight')
    await page.keyboard.press('Space')
    await page.getByText('2 images selected').waitFor()
    const selected = () =>
      page
        .locator('.cell[aria-selected="true"]')
        .evaluateAll((all) => all.map((each) => Number((each as HTMLElement).dataset.image)))
    expect(await selected()).toEqual([shown[1], shown[3]])
    await page.keyboard.press('Control+Shift+ArrowRight')
    await page.getByText('3 images selected').waitFor()
    await page.keyboard.press('2')
    await page.waitForFunction(() => window.mock.journal.length === 4)
    expect((await journal(page)).map(([image, label]) => [image, label])).toEqual([
      [shown[0], 2],
      [shown[1], 1],
      [shown[3], 1],
      [shown[4], 1],
    ])
    // Far out of sight the cursor is still what screen readers are told of.
    await page.keyboard.press('End')
    await expect.poll(said).toContain('IMG_00400.jpg')
    await grid.evaluate((element) => element.scrollTo(0, 0))
    await page.waitForTimeout(100)
    expect(await said()).toContain('IMG_00400.jpg')
    // Where something else narrows what a key labels, or on another view, it is no longer the cursor's image.
    await page.keyboard.press('/')
    await page.keyboard.type('IMG_0001')
    await page.keyboard.press('Enter')
    await page.getByText('This image').waitFor({ state: 'hidden' })
    await page.keyboard.press('4')
    await page.getByText('Select images first').waitFor()
    expect(await journal(page)).toHaveLength(4)
    expect(page.problems).toEqual([])
    await page.close()
  })

  test('least sure first: new predictions move nothing until S sorts again', async () => {
    const page = await open(browser, at('stage=labelled&images=400&latency=5'), 'label')
    await page.getByRole('button', { name: 'Many' }).click()
    await page.getByRole('button', { name: 'Least sure' }).click()
    const order = () =>
      page
        .getByRole('option')
        .evaluateAll((all) => all.slice(0, 12).map((each) => (each as HTMLElement).dataset.image))
    const again = page.getByRole('button', { name: 'Sort again' })
    const before = await order()
    expect(await again.isDisabled()).toBe(true)
    await page.getByRole('option').first().click()
    await page.keyboard.press('2')
    await expect.poll(() => again.isDisabled()).toBe(false)
    expect(await order()).toEqual(before)
    await page.keyboard.press('s')
    await expect.poll(order).not.toEqual(before)
    expect(await again.isDisabled()).toBe(true)
    // A labelled image is sure.
    expect(await order()).not.toContain(before[0])
    expect(page.problems).toEqual([])
    await page.close()
  })

  test('60,000 images: only what is in sight is in the page, to the last one', async () => {
    const page = await open(browser, at('stage=ready&images=60000'), 'images')
    await page.getByRole('option').first().waitFor()
    expect(await page.getByRole('option').count()).toBeLessThan(150)
    // What is in sight is asked for before the rows beyond the edge.
    const asked = await page.evaluate(() => {
      const bottom = document.querySelector('main .grid')?.getBoundingClientRect().bottom ?? 0
      const all = [...document.querySelectorAll<HTMLImageElement>('main .cell img')]
      return all.map((each) => [each.getBoundingClientRect().top < bottom, each.fetchPriority])
    })
    expect(new Set(asked.map(([seen]) => seen))).toEqual(new Set([true, false]))
    expect(asked).toEqual(asked.map(([seen]) => [seen, seen === true ? 'high' : 'low']))
    await page.getByRole('listbox').press('End')
    await page.getByRole('option', { name: 'IMG_60000.jpg' }).waitFor()
    expect(await page.getByRole('option').count()).toBeLessThan(150)
    await page.close()
  })

  test('names are text only, on every view', async () => {
    const page = await open(browser, at('stage=labelled'), 'images')
    await page.getByText('3 files skipped').click()
    await page.getByText('<img src=x onerror=alert(1)>').waitFor()
    await goTo(page, 'label')
    await page.keyboard.press('c')
    await page.keyboard.type('<b onclick=alert(1)>bold</b>')
    await page.keyboard.press('Enter')
    await page.getByText('<b onclick=alert(1)>bold</b>').first().waitFor()
    expect(page.problems).toEqual([])
    await page.close()
  })

  test('a file that turns out to be no image says so where it stands, and is not asked for', async () => {
    const page = await open(browser, at('stage=untrained&images=40'), 'label')
    const first = await lookedAt(page)
    await page.evaluate((image) => window.mock.spoil(image), first)
    await page.waitForFunction(
      (image) => document.querySelector(`.stage [data-image="${image}"]`) === null,
      first,
    )
    expect(await lookedAt(page)).not.toBe(first)
    await goTo(page, 'images')
    const cell = page.locator(`.cell[data-image="${first}"]`)
    expect(await cell.getAttribute('aria-label')).toMatch(/, cannot be read$/)
    await expect.poll(() => cell.locator('.no-picture').textContent()).toBe('cannot be read')
    expect(await page.locator('.view-head .number').textContent()).toBe('40 images, 1 cannot be read')
    await cell.dblclick()
    await page.getByText('This file cannot be read: not an image').waitFor()
    await page.close()
  })

  test('many at once with a class that is typed: labelled, and nothing is selected any more', async () => {
    const page = await open(browser, at('stage=ready&images=40'), 'label')
    await page.getByRole('button', { name: 'Many', exact: true }).click()
    await page.locator('.cell').nth(1).click()
    await page
      .locator('.cell')
      .nth(4)
      .click({ modifiers: ['Shift'] })
    await page.getByText('4 images selected').waitFor()
    await page.keyboard.press('c')
    await page.keyboard.type('shell')
    await page.keyboard.press('Enter')
    await page.getByRole('button', { name: '4 labelled shell: show only these' }).waitFor()
    expect(await page.getByText('images selected').count()).toBe(0)
    await page.close()
  })

  test('files that need labels are offered once there are some', async () => {
    const page = await open(browser, at('stage=ready'), 'use')
    const save = page.getByRole('button', { name: 'Save predictions' })
    expect(await save.isDisabled()).toBe(true)
    expect(await save.getAttribute('title')).toBe('Needs labels of two classes')
    await page.close()
    const labelled = await open(browser, at('stage=labelled'), 'use')
    await expect.poll(() => labelled.getByRole('button', { name: 'Save predictions' }).isEnabled()).toBe(true)
    await labelled.close()
  })

  test.each(['light', 'dark'] as const)(
    'no rule of axe finds anything on any view, %s',
    async (colorScheme) => {
      const axe = await readFile(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8')
      const found: Record<string, string[]> = {}
      // Dark, only the colours differ: the other size has nothing of its own.
      const devices = Object.entries(DEVICES).filter(
        ([device]) => colorScheme === 'light' || device !== 'phone',
      )
      for (const [device, viewport] of devices) {
        const page = await open(browser, at('stage=labelled&images=28'), 'images', {
          colorScheme,
          viewport,
          reducedMotion: 'reduce',
        })
        await page.evaluate(axe)
        const look = async (name: string) => (found[`${device}: ${name}`] = await faults(page))
        for (const view of VIEWS) {
          await goTo(page, view)
          await look(view)
          // What else there is on a view is made of the same parts on a phone.
          for (const part of device === 'phone' ? [] : (PARTS[view] ?? [])) {
            await page.getByRole('button', { name: part, exact: true }).click()
            await page.waitForTimeout(100)
            await look(`${view}, ${part}`)
          }
        }
        await goTo(page, 'label')
        await page.keyboard.press('?')
        await page.getByRole('dialog', { name: 'Keys' }).waitFor()
        await look('keys')
        expect(page.problems).toEqual([])
        await page.close()
      }
      expect(Object.entries(found).filter(([, faults]) => faults.length > 0)).toEqual([])
    },
    240_000,
  )

  test('noise: the slider shows its level, the accuracy there and the curve; selected images are the ones shown', async () => {
    const page = await open(browser, at('stage=labelled&images=60'), 'noise')
    await page.getByRole('button', { name: 'Use flow-3' }).click()
    const slider = page.getByRole('slider', { name: /Noise level/ })
    await slider.waitFor()
    const pictures = page.locator('.noise-pictures img')
    expect(await pictures.count()).toBe(8)
    const shown = async () => ({
      level: await page.locator('.noise-level b').textContent(),
      accuracy: await page.locator('.noise-level > .number').textContent(),
      first: await pictures.first().getAttribute('src'),
      said: await pictures.first().getAttribute('alt'),
    })
    const before = await shown()
    expect(before).toMatchObject({ level: 't = 0.30', said: 'Image 1 at noise 0.30' })
    await slider.press('End')
    await expect.poll(async () => (await shown()).level).toBe('t = 1.00')
    const noisy = await shown()
    expect(noisy.first).not.toBe(before.first)
    const share = (text: string | null) => Number(/accuracy ([\d.]+)/.exec(text ?? '')?.[1])
    expect(share(noisy.accuracy)).toBeLessThan(share(before.accuracy))
    await page.getByText(/best at t = 0\.\d+: \d/).waitFor()
    await page.getByText('Select images in another view to see those here.').waitFor()
    await goTo(page, 'images')
    await page.getByRole('option').nth(1).click()
    await page
      .getByRole('option')
      .nth(2)
      .click({ modifiers: ['Control'] })
    await goTo(page, 'noise')
    await page.getByText('The images that are selected.').waitFor()
    await expect.poll(() => pictures.count()).toBe(2)
    expect(page.problems).toEqual([])
    await page.close()
  })

  test('on a phone nothing is wider than the screen', async () => {
    const page = await open(browser, at('stage=labelled'), 'images', {
      viewport: { width: 390, height: 844 },
    })
    for (const view of VIEWS) {
      await goTo(page, view)
      const width = await page.evaluate(() => document.documentElement.scrollWidth)
      expect(width, view).toBeLessThanOrEqual(390)
    }
    // What is chosen beyond the edge is scrolled to in its row; the page itself stays.
    await goTo(page, 'results')
    await page.getByRole('button', { name: 'Report', exact: true }).click()
    expect((await page.getByRole('heading', { name: 'Results' }).boundingBox())?.x).toBeGreaterThanOrEqual(0)
    await page.close()
  })

  test.each(Object.entries(DEVICES))(
    'long names of runs and classes stay in their places, %s',
    async (_, viewport) => {
      const page = await open(browser, at('stage=labelled&long'), 'images', { viewport })
      const found: Record<string, readonly string[]> = {}
      for (const view of VIEWS) {
        await goTo(page, view)
        for (const part of ['', ...(PARTS[view] ?? [])]) {
          if (part !== '' && part !== 'Change leaf')
            await page.getByRole('button', { name: part, exact: true }).click()
          await page.waitForTimeout(100)
          const outside = await page.evaluate(tooWide)
          if (outside.length > 0) found[`${view} ${part}`] = outside
        }
      }
      expect(found).toEqual({})
      expect(page.problems).toEqual([])
      await page.close()
    },
  )

  test('nothing yet: every view says what it will be and what to do', async () => {
    const page = await open(browser, at('stage=empty'), 'images')
    await page.getByRole('button', { name: 'Open pictures' }).waitFor()
    await page.getByLabel('Path').fill('nowhere')
    for (const view of ['train', 'label', 'map', 'results', 'use'] as const) {
      await goTo(page, view)
      expect(await page.locator('.empty h1, .empty h2').textContent(), view).toBeTruthy()
      expect(await page.locator('.empty a').getAttribute('href'), view).toMatch(/^#\/(images|train|label)$/)
    }
    expect(page.problems).toEqual([])
    await page.close()
  })

  test('without WebGL the map is there, and the lasso works', async () => {
    const bare = await launch('--disable-gpu', '--disable-webgl', '--disable-3d-apis')
    const page = await open(bare, at('stage=labelled'), 'map')
    expect(await page.evaluate(() => document.createElement('canvas').getContext('webgl2'))).toBeNull()
    await page.waitForTimeout(200)
    const inked = await page.evaluate(() => {
      const canvas = document.querySelector<HTMLCanvasElement>('.map-surface canvas')
      const pixels = canvas?.getContext('2d')?.getImageData(0, 0, canvas.width, canvas.height).data ?? []
      let count = 0
      for (let k = 3; k < pixels.length; k += 4) if (pixels[k] > 0) count++
      return count
    })
    // 3,000 points of several pixels each.
    expect(inked).toBeGreaterThan(10_000)
    await lassoOf177(page)
    await bare.close()
  })

  test('a picture is classified in the browser by the exported model, under the same policy', async () => {
    await writeFile(join(served.folder, 'colours.onnx'), colourModel(['leaf', 'mug', 'fish']))
    const page = await open(browser, at('stage=labelled&images=300&model=/colours.onnx'), 'use')
    const blue =
      '<svg xmlns="http://www.w3.org/2000/svg" width="90" height="60"><rect width="90" height="60" fill="#1020f0"/></svg>'
    await page
      .getByLabel('Picture file')
      .setInputFiles({ name: 'blue.svg', mimeType: 'image/svg+xml', buffer: Buffer.from(blue) })
    await page.locator('.verdict', { hasText: 'fish' }).waitFor()
    // softmax of the mean of (16, 32, 240) / 32 over the three classes
    expect(await page.locator('.verdict').textContent()).toBe('fish100 %')
    await page.getByText('Computed in this browser').waitFor()
    expect(await page.locator('.near li').count()).toBe(6)
    expect(page.problems).toEqual([])
    await page.close()
  })

  test('the script is under 200 kB gzipped, and nothing is inline', async () => {
    const { gzipSync } = await import('node:zlib')
    const files = (await readdir(join(served.folder, 'assets'))).filter((file) => file.endsWith('.js'))
    const sizes = await Promise.all(
      files.map(async (file) => gzipSync(await readFile(join(served.folder, 'assets', file))).length),
    )
    expect(sizes.reduce((sum, size) => sum + size, 0)).toBeLessThan(200_000)
    const html = await readFile(join(served.folder, 'mock.html'), 'utf8')
    expect(html).not.toMatch(/<style|style=|<script(?![^>]*src=)/)
  })
})

declare global {
  interface Window {
    /** Milliseconds from each digit to the next image's first frame. */
    waits: number[]
    axe: {
      getRules(): { ruleId: string }[]
      run(options: {
        rules: Readonly<Record<string, { enabled: boolean }>>
      }): Promise<{ violations: { id: string; nodes: { html: string }[] }[] }>
    }
  }
}

function watchImages(): void {
  window.waits = []
  addEventListener(
    'keydown',
    (event) => {
      if (!/^[0-9]$/.test(event.key)) return
      const began = performance.now()
      const before = document.querySelector<HTMLElement>('.photo-box img')?.dataset.image
      const look = () => {
        const image = document.querySelector<HTMLImageElement>('.photo-box img')
        if (image !== null && image.dataset.image !== before && image.complete && image.naturalWidth > 0)
          window.waits.push(performance.now() - began)
        else requestAnimationFrame(look)
      }
      requestAnimationFrame(look)
    },
    { capture: true },
  )
}

const journal = (page: Page) =>
  page.evaluate(() => window.mock.journal.map(({ image, label, undo }) => [image, label, undo] as const))

async function goTo(page: Page, view: string): Promise<void> {
  await page.evaluate((to) => {
    location.hash = `#/${to}`
  }, view)
  await page.locator('nav a[aria-current]', { hasText: new RegExp(view, 'i') }).waitFor()
  await page.locator('main h1, main h2').first().waitFor()
  await page.waitForTimeout(150)
}

/**
 * By all rules that axe has, those that are off by default included, but for the contrast of 7 to 1 of WCAG's level AAA: the
 * colours of classes, which have to be told apart by those who see few, do not allow it for the names on them.
 */
async function faults(page: Page): Promise<string[]> {
  const { violations } = await page.evaluate(() => {
    const rules = Object.fromEntries(
      window.axe.getRules().map(({ ruleId }) => [ruleId, { enabled: ruleId !== 'color-contrast-enhanced' }]),
    )
    return window.axe.run({ rules })
  })
  return violations.map(
    ({ id, nodes }) => `${id}: ${nodes.map(({ html }) => html.slice(0, 200)).join(' | ')}`,
  )
}

/** Draws around exactly 177 points with the mouse, labels them by one key, takes it back by one Ctrl+Z. */
async function lassoOf177(page: Page): Promise<void> {
  await page.getByRole('button', { name: 'Lasso' }).click()
  const circle = await page.evaluate(async () => {
    const { positions } = await window.mock.view('map')
    const away = (from: number) =>
      Array.from({ length: positions.length / 2 }, (_, k) =>
        Math.hypot(positions[2 * k] - positions[2 * from], positions[2 * k + 1] - positions[2 * from + 1]),
      )
    // The circle with the widest gap between its 177th point and the next: a mouse goes by whole pixels.
    let [middle, gap, radius] = [0, 0, 0]
    for (let from = 0; from < positions.length / 2; from += 10) {
      const sorted = Float64Array.from(away(from)).sort()
      if (sorted[177] - sorted[176] > gap)
        [middle, gap, radius] = [from, sorted[177] - sorted[176], (sorted[176] + sorted[177]) / 2]
    }
    const distances = away(middle)
    const [x, y] = [positions[2 * middle], positions[2 * middle + 1]]
    const bounds = document.querySelector('.map-surface')?.getBoundingClientRect() ?? new DOMRect()
    const scale = 0.46 * Math.min(bounds.width, bounds.height)
    return {
      left: bounds.left + bounds.width / 2 + x * scale,
      top: bounds.top + bounds.height / 2 - y * scale,
      radius: radius * scale,
      images: distances.flatMap((distance, image) => (distance < radius ? [image] : [])),
    }
  })
  expect(circle.images).toHaveLength(177)
  const corners = 90
  const corner = (k: number): [number, number] => [
    circle.left + circle.radius * Math.cos((2 * Math.PI * k) / corners),
    circle.top + circle.radius * Math.sin((2 * Math.PI * k) / corners),
  ]
  await page.mouse.move(...corner(0))
  await page.mouse.down()
  for (let k = 1; k < corners; k++) await page.mouse.move(...corner(k))
  await page.evaluate(() => {
    addEventListener(
      'pointerup',
      () => {
        const began = performance.now()
        const look = () => {
          if (document.querySelector('.chip') === null) requestAnimationFrame(look)
          else window.waits = [performance.now() - began]
        }
        look()
      },
      { capture: true, once: true },
    )
  })
  await page.mouse.up()
  await page.getByRole('button', { name: 'Take off: lasso: 177 images' }).waitFor()
  await page.getByRole('button', { name: '177 of 3,000' }).waitFor()
  const [wait] = await page.evaluate(() => window.waits)
  expect(wait).toBeLessThan(200)
  const labels = async () => (await page.evaluate(() => window.mock.view('labels'))).labels
  const before = await labels()
  const rows = (await journal(page)).length
  await page.keyboard.press('4')
  await page.waitForFunction((count) => window.mock.journal.length === count, rows + 177)
  const labelled = (await journal(page)).slice(rows)
  expect(labelled.map(([image]) => image).toSorted((a, b) => a - b)).toEqual(circle.images)
  expect(new Set(labelled.map(([, label]) => label))).toEqual(new Set([3]))
  await page.keyboard.press('Control+z')
  await page.waitForFunction((count) => window.mock.journal.length === count, rows + 354)
  expect(await labels()).toEqual(before)
  await page.getByRole('button', { name: 'Take off: lasso: 177 images' }).click()
  await page.getByRole('button', { name: '3,000 of 3,000' }).waitFor()
}
