/**
 * The same person as in person.ts at Label Studio's page: seconds and keys a label. It runs elsewhere, started offline as
 *
 *   LABEL_STUDIO_LOCAL_FILES_SERVING_ENABLED=true LABEL_STUDIO_LOCAL_FILES_DOCUMENT_ROOT=<scratch> LABEL_STUDIO_ENABLE_LEGACY_API_TOKEN=true \
 *     LABEL_STUDIO_USERNAME=a@b.example LABEL_STUDIO_PASSWORD=<password> LABEL_STUDIO_USER_TOKEN=<token> label-studio start --no-browser --port 8091
 *
 *   npx tsx bench/studio/label-studio.ts <scratch of person.ts> --token <token> --password <password>
 *     [--address http://127.0.0.1:8091] [--labels 50] [--look 1] [--project <number, where it is made already>]
 *
 * A project of ten choices with the digits as their keys is made by its API, and the folder's images become its tasks. The
 * person presses the digit after the look and Ctrl+Enter, which stores and shows the next, 0.28 s later; a chord counts as one key.
 */
import { readFile } from 'node:fs/promises'
import { loadavg } from 'node:os'
import path from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { parseArgs } from 'node:util'
import { chromium } from 'playwright-core'
import { z } from 'zod'
import { TYPING_SECONDS } from './page-under-hands.js'

const NAME = 'hand-signs'
const EMAIL = 'a@b.example'
const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    address: { type: 'string', default: 'http://127.0.0.1:8091' },
    token: { type: 'string', default: '' },
    password: { type: 'string', default: '' },
    labels: { type: 'string', default: '50' },
    look: { type: 'string', default: '1' },
    share: { type: 'string', default: '0.9' },
    project: { type: 'string' },
  },
})
const [labels, look, share] = [values.labels, values.look, values.share].map(Number)
const folder = path.resolve(positionals[0], NAME)
const truth = z
  .record(z.string(), z.string())
  .parse(JSON.parse(await readFile(`${folder}-truth.json`, 'utf8')))

/** In the page: the image that is seen, and the next one after a key. */
const EYES = `
globalThis.pressedAt = 0
globalThis.shownImage = () => {
  const image = document.querySelector('img[src^="blob:"]')
  return image !== null && image.complete && image.naturalWidth > 0 ? image.src : ''
}
globalThis.nextImage = (before) =>
  new Promise((resolve) => {
    const wait = () => {
      const now = shownImage()
      if (now !== '' && now !== before) resolve(performance.now() - pressedAt)
      else requestAnimationFrame(wait)
    }
    requestAnimationFrame(wait)
  })
addEventListener('keydown', (event) => { pressedAt = event.timeStamp }, true)
`

const TASK = z.object({
  id: z.int(),
  storage_filename: z.string(),
  annotations: z.array(
    z.object({ result: z.array(z.object({ value: z.object({ choices: z.array(z.string()) }) })) }),
  ),
})

const project = values.project === undefined ? await makeProject() : Number(values.project)
const files = await filesOfTasks()
const browser = await chromium.launch({ executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium' })
try {
  const page = await browser.newPage({ viewport: { width: 1280, height: 720 } })
  page.setDefaultTimeout(120_000)
  const asked = new Set<string>()
  page.on('request', (request) => asked.add(new URL(request.url()).hostname || 'inside'))
  await page.addInitScript(EYES)
  await page.goto(`${values.address}/user/login`)
  await page.fill('input[name=email]', EMAIL)
  await page.fill('input[name=password]', values.password)
  await page.click('button[type=submit]')
  await page.waitForURL((address) => !address.pathname.includes('login'))
  const began = performance.now()
  await page.goto(`${values.address}/projects/${project}/data?labeling=1`)
  await page.waitForFunction(() => document.querySelector('img[src^="blob:"]') !== null)
  console.log(`first image ${((performance.now() - began) / 1000).toFixed(1)} s after its page was asked for`)
  const waits: number[] = []
  const started = performance.now()
  console.log(`load ${loadavg()[0].toFixed(1)}`)
  while (waits.length < labels) {
    const since = performance.now()
    const task = Number(/#?(\d+)/.exec((await page.locator('[class*=current-task]').first().innerText()) ?? '')?.[1]) // prettier-ignore
    const before = await page.evaluate(() => globalThis.shownImage())
    await sleep(1000 * look - (performance.now() - since))
    await page.keyboard.press(truth[files.get(task) ?? ''])
    await sleep(1000 * TYPING_SECONDS)
    await page.keyboard.press('Control+Enter')
    waits.push(await page.evaluate((from) => globalThis.nextImage(from), before))
  }
  const seconds = (performance.now() - started) / 1000
  waits.sort((a, b) => a - b)
  console.log(`${labels} labels in ${seconds.toFixed(1)} s, 2 keys each; next image after ${waits[labels >> 1].toFixed(0)} ms (median), ${waits[labels - 1].toFixed(0)} (most); load ${loadavg()[0].toFixed(1)}`) // prettier-ignore
  const every = Math.ceil(share * Object.keys(truth).length)
  const all = (every * seconds) / labels
  console.log(`${every} images: ${2 * every} keys, ${Math.floor(all / 60)} min ${Math.round(all % 60)} s`)
  console.log(`the page asked ${[...asked].join(', ')}`)
} finally {
  await browser.close()
}
await sleep(1000)
await judged()

/** @returns its number */
async function makeProject(): Promise<number> {
  const choices = Array.from({ length: 10 }, (_, digit) => `<Choice value="${digit}" hotkey="${digit}"/>`)
  const config = `<View><Image name="image" value="$image"/><Choices name="choice" toName="image" showInLine="true">${choices.join('')}</Choices></View>`
  const { id } = z
    .object({ id: z.int() })
    .parse(await ask('projects/', { title: NAME, label_config: config }))
  const began = performance.now()
  const storage = z
    .object({ id: z.int() })
    .parse(await ask('storages/localfiles/', { project: id, path: folder, regex_filter: '.*jpg', use_blob_urls: true, title: NAME })) // prettier-ignore
  await ask(`storages/localfiles/${storage.id}/sync`, {})
  console.log(`images taken in ${((performance.now() - began) / 1000).toFixed(1)} s`)
  return id
}

/** File names by the numbers that the page shows. */
async function filesOfTasks(): Promise<Map<number, string>> {
  return new Map((await tasks()).map(({ id, storage_filename }) => [id, path.basename(storage_filename)])) // prettier-ignore
}

async function judged(): Promise<void> {
  const done = (await tasks()).filter(({ annotations }) => annotations.length > 0)
  const wrong = done.filter(
    ({ storage_filename, annotations }) =>
      annotations[0].result[0]?.value.choices[0] !== truth[path.basename(storage_filename)],
  )
  const empty = done.filter(({ annotations }) => annotations[0].result.length === 0)
  console.log(`stored ${done.length}, ${wrong.length} wrongly, of these ${empty.length} empty`)
}

async function tasks() {
  const answer = await ask(`tasks?project=${project}&page_size=100&fields=all`)
  return z.object({ tasks: z.array(TASK) }).parse(answer).tasks
}

async function ask(what: string, body?: object): Promise<unknown> {
  const answer = await fetch(`${values.address}/api/${what}`, {
    method: body === undefined ? 'GET' : 'POST',
    headers: { authorization: `Token ${values.token}`, 'content-type': 'application/json' },
    body: body === undefined ? undefined : JSON.stringify(body),
  })
  if (!answer.ok) throw new Error(`${what}: ${answer.status} ${await answer.text()}`)
  return answer.json()
}

declare global {
  var shownImage: () => string
  var nextImage: (before: string) => Promise<number>
}
