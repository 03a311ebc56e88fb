/**
 * Frames a second of the map with 60,000 points, zoomed by the wheel in every frame; once as the browser is, once without
 * WebGL: `tsx bench/studio/frame-rate.ts [points]`. It tells what drew: without a graphics card it is the canvas both times.
 */
import { hasChromium, launch, open } from '../../packages/studio/test/browser.js'
import { serveMockPage } from '../../packages/studio/test/serve-page.js'

const points = Number(process.argv[2] ?? 60_000)
const SECONDS = 4

if (!hasChromium) throw new Error('no Chromium; set CHROMIUM to a browser')
const served = await serveMockPage()
const ways = {
  'as the browser is': [],
  'without WebGL': ['--disable-gpu', '--disable-webgl', '--disable-3d-apis'],
}
for (const [way, flags] of Object.entries(ways)) {
  const browser = await launch(...flags)
  const page = await open(browser, `${served.address}/mock.html?stage=labelled&images=${points}`, 'map')
  await page.locator('.map-surface canvas').first().waitFor()
  await page.waitForTimeout(1500)
  // tsx gives functions their names by a helper that the page has not.
  await page.evaluate('globalThis.__name = (named) => named')
  const measured = await page.evaluate(async (seconds) => {
    const surface = document.querySelector('.map-surface')
    const frames: number[] = []
    const began = performance.now()
    let last = began
    await new Promise<void>((resolve) => {
      const step = (now: number) => {
        frames.push(now - last)
        last = now
        const wheel = {
          deltaY: Math.floor(frames.length / 60) % 2 === 0 ? -8 : 8,
          clientX: 500,
          clientY: 350,
        }
        surface?.dispatchEvent(new WheelEvent('wheel', { ...wheel, cancelable: true }))
        if (now - began < seconds * 1000) requestAnimationFrame(step)
        else resolve()
      }
      requestAnimationFrame(step)
    })
    const sorted = frames.slice(1).sort((a, b) => a - b)
    return {
      perSecond: (1000 * (frames.length - 1)) / (last - began),
      slowest: sorted[Math.floor(sorted.length * 0.95)],
      painter: document.querySelector('.map-surface')?.getAttribute('data-painter'),
      megabytes: Math.round((performance as Performance & { memory?: { usedJSHeapSize: number } }).memory?.usedJSHeapSize ?? 0) / 2 ** 20, // prettier-ignore
    }
  }, SECONDS)
  console.log(
    `${points} points, ${way} (${measured.painter}): ${measured.perSecond.toFixed(1)} frames a second, 95 % within ${measured.slowest.toFixed(1)} ms, ${measured.megabytes.toFixed(0)} MB of script memory`,
  )
  await browser.close()
}
await served.close()
