/** Reports on a phone: the page never scrolls sideways, figures can be read, and what is wider says so and scrolls alone. */
import type { Browser } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { renderReport } from '../../src/draw/render.js'
import { studySections } from '../../src/study/all-sections.js'
import { renderStudyPage } from '../../src/study/report/study-page.js'
import { CHROMIUM_NEEDED, hasChromium, openChromium } from '../exports/chromium.js'
import { exampleStudy } from '../study/report/example-study.js'
import { exampleReport } from './example-report.js'

const PHONE = { width: 390, height: 844 }
const LEAST_TEXT = 10

const classes = [
  'medium-sized mammals',
  'household electrical devices',
  'a',
  'Donaudampfschifffahrtsgesellschaft',
]

async function reports(): Promise<Record<string, string>> {
  const study = await exampleStudy({ labelCounts: [1, 2, 4, 8, 64, 'all'], draws: 5, networkDraws: 3 })
  const run = await exampleReport({ classes })
  const reliability = [0.3, 0.6, 0.9].map((at) => ({ count: 100, confidence: 100 * at, right: 97 * at }))
  return {
    'of a study': renderStudyPage(study, await studySections(study), 'figures'),
    'of a run': renderReport({ ...run, reliability }),
  }
}

/** What the browser is asked; text as it is seen, drawings scaled. */
const LOOK = `(() => {
  const scrolls = (element) => element !== null && (getComputedStyle(element).overflowX === 'auto' || scrolls(element.parentElement))
  const rootOf = (svg) => svg.ownerSVGElement === null ? svg : rootOf(svg.ownerSVGElement)
  const texts = [...document.querySelectorAll('svg text')].map((text) => {
    const drawing = rootOf(text.ownerSVGElement)
    const scale = drawing.getBoundingClientRect().width / drawing.viewBox.baseVal.width
    return scale * parseFloat(getComputedStyle(text).fontSize)
  })
  return {
    page: document.documentElement.scrollWidth,
    beyond: [...document.querySelectorAll('main *')]
      .filter((each) => each.getBoundingClientRect().right > innerWidth + 1 && !scrolls(each.parentElement))
      .map((each) => each.outerHTML.slice(0, 80)),
    smallest: Math.min(...texts),
    figures: [...document.querySelectorAll('figure.drawn')].map((figure) => ({
      wider: figure.querySelector('.wide').scrollWidth > figure.querySelector('.wide').clientWidth + 1,
      told: figure.querySelector('.sideways').getBoundingClientRect().height > 10,
    })),
  }
})()`

interface Seen {
  readonly page: number
  readonly beyond: readonly string[]
  readonly smallest: number
  readonly figures: readonly { readonly wider: boolean; readonly told: boolean }[]
}

describe.runIf(hasChromium)(`a report on a phone${CHROMIUM_NEEDED}`, () => {
  let browser: Browser
  beforeAll(async () => {
    browser = await openChromium()
  })
  afterAll(() => browser.close())

  test.each(['of a study', 'of a run'])('%s', async (kind) => {
    const page = await browser.newPage({ viewport: PHONE })
    await page.setContent((await reports())[kind])
    const narrow = await page.evaluate<Seen>(LOOK)
    expect(narrow.page).toBe(PHONE.width)
    expect(narrow.beyond).toEqual([])
    expect(narrow.smallest).toBeGreaterThanOrEqual(LEAST_TEXT)
    expect(narrow.figures.length).toBeGreaterThan(1)
    for (const { wider, told } of narrow.figures) expect(told).toBe(wider)
    expect(narrow.figures.some(({ wider }) => wider)).toBe(true)

    await page.setViewportSize({ width: 1280, height: 900 })
    const wide = await page.evaluate<Seen>(LOOK)
    expect(wide.figures.filter(({ wider, told }) => wider || told)).toEqual([])
    await page.close()
  })
})
