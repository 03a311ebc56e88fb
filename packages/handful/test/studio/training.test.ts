/** Training beside the page: killed, gone on with, found again; and what follows from its features. */
import { access, mkdir, readFile, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { verifyModel } from '../../src/exports/verify-model.js'
import { lockHolder } from '../../src/files/lock.js'
import { zipEntries } from '../../src/files/zip-entries.js'
import type { RunCard } from '../../src/studio/protocol.js'
import { silentProgress } from '../../src/training/progress.js'
import { Bench, type Client, kindOf, plainNames, send, until } from './studio-under-test.js'

let bench: Bench
let client: Client
let port: number

beforeAll(async () => {
  bench = await Bench.make(plainNames(60))
  const opened = await bench.open()
  client = opened.client
  port = opened.studio.port
}, 60_000)
afterAll(() => bench.end())

const card = async (run: string): Promise<RunCard | undefined> =>
  (await client.view('state')).runs.find(({ name }) => name === run)

const inState = (run: string, state: RunCard['state']): Promise<RunCard> =>
  until(async () => {
    const found = await card(run)
    if (state !== 'failed' && found?.state === 'failed') throw new Error(found.error)
    return found?.state === state ? found : undefined
  }, 90)

test(
  'a training that is killed takes nothing down, says what helps, and is gone on with',
  { timeout: 120_000 },
  async () => {
    // Enough steps to be in the middle of them.
    process.env.STUDIO_TEST_STEPS = '100000'
    const { runs } = await client.ask('train', { model: 'vae', minutes: 1 })
    const [{ name: run }] = runs
    expect(run).toBe('shapes-vae')
    const folder = path.join(bench.runs, run)
    await until(async () => (((await card(run))?.steps ?? 0) > 0 ? true : undefined), 90)
    const pid = await lockHolder(folder)
    process.kill(pid as number, 'SIGKILL')
    const failed = await inState(run, 'failed')
    expect(failed.error).toMatch(/its process ended by SIGKILL.*trying again goes on/)
    expect((await client.ask('suggest', { count: 3 })).length).toBe(3)

    await client.ask('resumeTraining', { run })
    // A studio that comes later finds it in training, and pauses it.
    const { studio, client: later } = await bench.open()
    await until(async () => {
      const [found] = (await later.view('state')).runs
      return found.state === 'training' && (found.steps ?? 0) > 0 ? true : undefined
    }, 90)
    await later.ask('pauseTraining', { run })
    await studio.close()
    const paused = await inState(run, 'paused')
    expect(paused.error).toBeUndefined()
    // Its model is taken as it is.
    await client.ask('stopTraining', { run })
    const ready = await inState(run, 'ready')
    expect(ready.steps).toBeGreaterThan(0)
    expect(ready.steps).toBeLessThan(100_000)
    // It is shown a moment after it is ready: the labels that it shares are written first.
    await until(async () => ((await client.view('state')).run === run ? true : undefined), 5)
  },
)

test(
  'a training that failed before it had learnt anything is taken off, with its folder',
  { timeout: 60_000 },
  async () => {
    const { runs } = await client.ask('train', { model: 'vae', minutes: 1, beside: true })
    const { name: run } = runs[runs.length - 1]
    const folder = path.join(bench.runs, run)
    const pid = await until(() => lockHolder(folder))
    process.kill(pid, 'SIGKILL')
    const failed = await inState(run, 'failed')
    expect(failed.hasModel).toBe(false)
    await client.ask('stopTraining', { run })
    expect(await card(run)).toBeUndefined()
    await expect(access(folder)).rejects.toThrow()
  },
)

test(
  'labels lead to predictions of every image, results, suggestions, neighbours, a map',
  { timeout: 60_000 },
  async () => {
    for (const name of ['disc', 'bar', 'cross']) await client.ask('addClass', { name })
    const heard: number[] = []
    const end = client.events((name, value) => {
      if (name === 'predictions') heard.push((value as { revision: number }).revision)
    })
    const decisions = Array.from({ length: 18 }, (_, image) => ({ image, label: kindOf(image) }))
    await client.ask('label', { decisions, seen: 'picked' })
    await until(() => (heard.length > 0 ? true : undefined))
    end()
    const predictions = await until(async () => {
      const found = await client.view('predictions')
      return found.classes.every((id) => id >= 0) ? found : undefined
    })
    expect(predictions.classes).toHaveLength(60)
    expect(predictions.classes.slice(0, 18)).toEqual(decisions.map(({ label }) => label))
    expect(predictions.probabilities.every((p) => p > 0 && p <= 1)).toBe(true)
    const right = predictions.classes.filter((id, image) => id === kindOf(image)).length
    expect(right).toBeGreaterThan(36)
    const results = await client.view('results')
    expect(results.classes).toEqual([0, 1, 2])
    const confused = results.confusion.flat().reduce((sum, count) => sum + count, 0)
    expect(Object.values(results.cells).flat()).toHaveLength(confused)
    expect((await client.view('state')).estimate?.labels).toBeGreaterThan(0)
    const next = await client.ask('suggest', { count: 5 })
    expect(next.every(({ image, why }) => image >= 18 && why !== '')).toBe(true)
    const audit = await client.ask('suggest', { count: 5, kind: 'audit' })
    expect(audit.every(({ label }) => label === undefined)).toBe(true)
    const near = await client.ask('neighbours', { image: 0, count: 7 })
    expect(near).toHaveLength(7)
    expect(near.every(({ image, similarity }) => image !== 0 && similarity <= 1.001)).toBe(true)
    const map = await client.view('map')
    expect(map.positions).toHaveLength(120)
    expect(map.positions.every((each) => Math.abs(each) <= 1.001)).toBe(true)
    expect(map.clusters).toHaveLength(60)
    const metrics = await client.view('metrics', '?run=shapes-vae')
    expect(Object.values(metrics.curves).some((points) => points.length > 0)).toBe(true)
    const [{ id }] = metrics.pictures
    const picture = await send(port, `/api/picture/${id}`, { headers: client.own })
    expect([picture.status, picture.headers['content-type']]).toEqual([200, 'image/png'])
  },
)

test('tables and the report are taken away', { timeout: 60_000 }, async () => {
  const table = await client.ask('export', { what: 'predictions' })
  const saved = await send(port, `/api/download/${table.id}`, { headers: client.own })
  const rows = saved.body.toString().trim().split('\r\n')
  expect(rows).toHaveLength(61)
  expect(rows[1]).toMatch(/^image-000\.png,disc,disc,[01](\.\d+)?$/)
  const report = await client.ask('export', { what: 'report' })
  const page = await send(port, `/api/download/${report.id}`, { headers: client.own })
  expect(page.body.toString()).toContain('<!doctype html>')
  expect(page.body.length).toBe(report.bytes)
  expect(page.headers['content-disposition']).toContain('attachment')
})

test(
  'the model is taken away with all that belongs to it, as verify wants it',
  { timeout: 60_000 },
  async () => {
    const { id, file } = await client.ask('export', { what: 'package' })
    expect(file).toBe('shapes-vae.zip')
    const { body } = await send(port, `/api/download/${id}`, { headers: client.own })
    const taken = path.join(bench.folder, 'taken away')
    await mkdir(path.join(taken, 'shapes-vae'), { recursive: true })
    await writeFile(path.join(taken, file), body)
    const names: string[] = []
    for await (const entry of zipEntries(path.join(taken, file), {})) {
      names.push(entry.name)
      await writeFile(path.join(taken, entry.name), await entry.read())
    }
    const endings = ['card.md', 'json', 'onnx', 'test.safetensors'].map(
      (each) => `shapes-vae/shapes-vae.${each}`,
    )
    expect(names).toEqual([...endings, 'shapes-vae/try.html'])
    const asked = { file: path.join(taken, 'shapes-vae', 'shapes-vae.onnx'), threads: 1, device: 'cpu' }
    const context = { signal: new AbortController().signal, progress: silentProgress }
    const { difference, metadata } = await verifyModel(asked, context)
    expect(difference).toBeLessThan(1e-4)
    expect(metadata.classes).toEqual(['disc', 'bar', 'cross'])
  },
)

test(
  'a second studio finds run, labels and predictions; opened by the run it is the same',
  { timeout: 60_000 },
  async () => {
    const { client: again } = await bench.open(path.join(bench.runs, 'shapes-vae'))
    const state = await again.view('state')
    expect(state).toMatchObject({ run: 'shapes-vae', labelled: 18, images: 60 })
    const mine = await client.view('predictions')
    const predictions = await until(async () => {
      const found = await again.view('predictions')
      return found.revision > 0 ? found : undefined
    })
    expect(predictions.classes).toEqual(mine.classes)
    // What one labels the other has.
    await again.ask('label', { decisions: [{ image: 20, label: 'none' }], seen: 'picked' })
    await until(async () => ((await client.view('labels')).labels[20] === -2 ? true : undefined), 2)
    expect(await readFile(path.join(bench.runs, 'shapes-vae', 'labels.at'), 'utf8')).toBe(
      '../shapes-studio\n',
    )
    await expect(access(path.join(bench.runs, 'shapes-vae', 'labels.jsonl'))).rejects.toThrow()
  },
)

test(
  'a training that failed after it had learnt something is used as it is: labels, map and results follow',
  { timeout: 120_000 },
  async () => {
    process.env.STUDIO_TEST_STEPS = '100000'
    const { runs } = await client.ask('train', { model: 'vae', minutes: 1, beside: true })
    const { name: run } = runs[runs.length - 1]
    const folder = path.join(bench.runs, run)
    const learns = () => until(async () => (((await card(run))?.steps ?? 0) > 0 ? true : undefined), 90)
    await learns()
    // A pause saves a checkpoint; what comes after it is lost with the process.
    await client.ask('pauseTraining', { run })
    const { steps: saved = 0 } = await inState(run, 'paused')
    await client.ask('resumeTraining', { run })
    await until(async () => (((await card(run))?.steps ?? 0) > saved ? true : undefined), 90)
    process.kill((await lockHolder(folder)) as number, 'SIGKILL')
    const failed = await inState(run, 'failed')
    expect(failed.hasModel).toBe(true)

    await client.ask('stopTraining', { run })
    const ready = await inState(run, 'ready')
    expect(ready.error).toBeUndefined()
    expect(ready.steps).toBeGreaterThanOrEqual(saved)
    expect(ready.steps).toBeLessThan(100_000)
    await client.ask('selectRun', { run })
    const decisions = [40, 41, 42].map((image) => ({ image, label: kindOf(image) }))
    await client.ask('label', { decisions, seen: 'picked' })
    const all = await until(async () => {
      const { classes } = await client.view('predictions')
      return decisions.every(({ image, label }) => classes[image] === label) ? classes : undefined
    })
    // The other studio has said that one is none of these.
    expect(all.flatMap((id, image) => (id >= 0 ? [] : [image]))).toEqual([20])
    expect((await client.view('map')).positions).toHaveLength(120)
    expect((await client.view('results')).classes).toEqual([0, 1, 2])
    expect(await client.ask('suggest', { count: 5, kind: 'audit' })).toHaveLength(5)
  },
)

test('nothing of it was a fault of the program', () => {
  expect(bench.faults).toEqual([])
})
