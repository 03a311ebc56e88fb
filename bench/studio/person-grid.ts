/**
 * The same person as in person.ts, with a grid in the place of one image after another: some suggestions labelled one at a time,
 * then by turns all that are surer than the threshold accepted by one key, and the least sure labelled in the grid by keys.
 *
 *   npx tsx bench/studio/person-grid.ts <folder of class folders> --scratch <of person.ts> [--first 100] [--each 24] [--share 0.9]
 *     [--threshold 0.9] [--look 1] [--most 900]
 *
 * What was accepted wrongly stays wrong. Keys and clicks are counted alike; to look over what A will accept takes three seconds.
 */
import { cp, rm } from 'node:fs/promises'
import { loadavg } from 'node:os'
import path from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { parseArgs } from 'node:util'
import { PageUnderHands } from './page-under-hands.js'
import { flattened } from './real-studio.js'

const NAME = 'hand-signs'
const GLANCE_SECONDS = 3
const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    scratch: { type: 'string', default: 'person-scratch' },
    first: { type: 'string', default: '100' },
    each: { type: 'string', default: '24' },
    share: { type: 'string', default: '0.9' },
    threshold: { type: 'string', default: '0.9' },
    look: { type: 'string', default: '1' },
    most: { type: 'string', default: '900' },
  },
})
const [first, each, share, threshold, look, most] = [
  values.first,
  values.each,
  values.share,
  values.threshold,
  values.look,
  values.most,
].map(Number)

const flat = path.join(values.scratch, NAME)
const runs = path.join(values.scratch, 'runs-grid')
const truth = await flattened(positionals[0], flat)
await rm(runs, { recursive: true, force: true })
await cp(path.join(values.scratch, 'prepared', `${NAME}-vae`), path.join(runs, `${NAME}-vae`), {
  recursive: true,
})
const hands = await PageUnderHands.open(flat, runs, truth)
const { page, client, paths } = hands
const began = performance.now()
const counted = { labels: 0, keys: 0, accepted: 0, acceptedWrongly: 0 }
console.log(`load ${loadavg()[0].toFixed(1)} before`)
try {
  while (counted.labels < first) {
    counted.keys += (await hands.decide({ look, waits: true })).keys
    counted.labels++
  }
  await told('one at a time')
  await page.getByRole('button', { name: 'Many' }).click()
  await page.getByRole('button', { name: 'Least sure' }).click()
  await page.locator('#threshold').fill(String(threshold))
  counted.keys += 3
  let right = 0
  while (right < share && counted.labels < most) {
    await acceptAll()
    await page.keyboard.press('s')
    counted.keys++
    right = await told('accepted')
    if (right >= share) break
    await labelLeastSure()
    right = await told('least sure')
  }
} finally {
  await hands.close()
}

async function acceptAll(): Promise<void> {
  await predictionsCame()
  await sleep(1000 * GLANCE_SECONDS)
  const before = await client.view('labels')
  await page.keyboard.press('a')
  counted.keys++
  await page.getByText(/^(Accepted|Nothing shown)/).waitFor()
  await page.getByText(/stored$/).waitFor()
  const { labels } = await client.view('labels')
  const { classes } = await client.view('state')
  const names = new Map(classes.map(({ id, name }) => [id, name]))
  for (const [image, label] of labels.entries()) {
    if (label === before.labels[image]) continue
    counted.accepted++
    if (names.get(label) !== truth.get(path.basename(paths[image]))) counted.acceptedWrongly++
  }
  await predictionsCame()
}

/** Label and step on, one image after another, as the cursor comes to them. */
async function labelLeastSure(): Promise<void> {
  const grid = page.getByRole('listbox')
  await grid.focus()
  await page.keyboard.press('Home')
  counted.keys += 2
  const keys = new Map(
    await page
      .locator('.class-row .name')
      .evaluateAll((rows) =>
        rows.map(
          (row) =>
            [row.querySelector('.cut')?.textContent ?? '', row.firstElementChild?.textContent ?? ''] as const,
        ),
      ),
  )
  for (let k = 0; k < each; k++) {
    await sleep(1000 * look)
    const cursor = await grid.getAttribute('aria-activedescendant')
    const image = Number(cursor?.replace('image-', ''))
    const name = truth.get(path.basename(paths[image])) ?? ''
    const key = keys.get(name)
    if (key === undefined) throw new Error(`no key for ${name}`)
    await page.keyboard.press(key)
    await page.keyboard.press('ArrowRight')
    counted.keys += 2
    counted.labels++
  }
  await page.getByText(/stored$/).waitFor()
}

/** Until no new predictions come. */
async function predictionsCame(): Promise<void> {
  let revision = -1
  for (let still = 0; still < 4;) {
    const { predictionsRevision } = await client.view('state')
    still = predictionsRevision === revision ? still + 1 : 0
    revision = predictionsRevision
    await sleep(250)
  }
}

async function told(stage: string): Promise<number> {
  const right = (await hands.right()) / truth.size
  const seconds = (performance.now() - began) / 1000
  console.log(
    `${stage}: ${counted.labels} labelled, ${counted.accepted} accepted (${counted.acceptedWrongly} wrongly), ${counted.keys} keys, ` +
      `${Math.floor(seconds / 60)}:${String(Math.round(seconds % 60)).padStart(2, '0')}, ${(100 * right).toFixed(1)} % right, load ${loadavg()[0].toFixed(1)}`,
  )
  return right
}
