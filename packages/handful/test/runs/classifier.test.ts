/** A classifier in a run folder is one thing: put in place as a whole, whatever ends the process that does it. */
import { cp, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { afterAll, beforeAll, beforeEach, expect, test, vi } from 'vitest'
import { type Classifier, classifierKey, loadClassifier, saveClassifier } from '../../src/runs/classifier.js'
import { RunFolder } from '../../src/runs/run-folder.js'
import { heads, makeRun } from '../exports/make-run.js'
import { cut, type cuttable } from './cut-writes.js'

vi.mock('node:fs/promises', async (original) => {
  const { cuttable: wrap } = await vi.importActual<{ cuttable: typeof cuttable }>('./cut-writes.js')
  return wrap(await original())
})

let parent: string
let place: string
let before: Classifier
let after: Classifier

beforeAll(async () => {
  parent = await mkdtemp(path.join(tmpdir(), 'handful-classifier-'))
  const one = await makeRun(parent, { model: 'vae', classNames: ['cat', 'dog', 'bird'] })
  const other = await makeRun(parent, {
    model: 'vae',
    patches: 8,
    classNames: ['cat', 'fox'],
    head: heads.mlp,
  })
  place = one.folder
  before = await loadClassifier(one.folder)
  after = await loadClassifier(other.folder)
}, 60_000)

beforeEach(() => {
  Object.assign(cut, { after: Infinity, done: 0, counts: () => true })
})

afterAll(async () => {
  await rm(parent, { recursive: true })
})

let copies = 0

async function copy(): Promise<string> {
  const folder = path.join(parent, `copy-${++copies}`)
  await cp(place, folder, { recursive: true })
  return folder
}

/** All that it computes with. */
const contents = (classifier: Classifier) => ({
  ...classifier,
  encoder:
    classifier.encoder &&
    'model' in classifier.encoder &&
    Buffer.from(classifier.encoder.model).toString('base64'),
})

/** @param at changes after which the process is ended @returns how many it made */
async function replace(folder: string, at = Infinity): Promise<number> {
  const run = await RunFolder.resume(folder, {})
  Object.assign(cut, { after: at, done: 0 })
  await saveClassifier(run, after).catch((error: unknown) => {
    if (!(error instanceof Error && error.message.includes('killed'))) throw error
  })
  const { done } = cut
  cut.after = Infinity
  await run.close()
  return done
}

test('cut at every change of the disk, it is the one of before or the new one, and the next is whole', async () => {
  const [old, fresh] = [contents(before), contents(after)]
  const whole = await copy()
  const changes = await replace(whole)
  expect(changes).toBeGreaterThan(8)
  const found: string[] = []
  for (let at = 0; at < changes; at++) {
    const folder = await copy()
    await replace(folder, at)
    const now = contents(await loadClassifier(folder))
    const isNew = now.classNames.length === 2
    expect(now, `after ${at} changes`).toEqual(isNew ? fresh : old)
    found.push(isNew ? 'new' : 'old')
    await replace(folder)
    expect(contents(await loadClassifier(folder))).toEqual(fresh)
    // Nothing of what was cut or replaced stays.
    expect((await readdir(path.join(folder, 'model'))).sort()).toEqual(
      (await readdir(path.join(whole, 'model'))).sort(),
    )
  }
  expect(found[0]).toBe('old')
  expect(found.at(-1)).toBe('new')
  expect(found).toEqual([...found].sort().reverse())
})

test('who reads while it is replaced has one of the two', async () => {
  const folder = await copy()
  const run = await RunFolder.resume(folder, {})
  let ended = false
  const writing = (async () => {
    for (let i = 0; i < 12; i++) await saveClassifier(run, i % 2 === 0 ? after : before)
    ended = true
  })()
  while (!ended) {
    const { classNames, head } = await loadClassifier(folder)
    expect(head.classCount).toBe(classNames.length)
    expect(head.kind).toBe(classNames.length === 2 ? 'mlp' : 'linear')
  }
  await writing
  await run.close()
})

test('files that were overwritten in place, as older versions did, are still read; others of their name are told', async () => {
  const folder = await copy()
  const json = path.join(folder, 'model/classifier.json')
  const { files, ...settings } = JSON.parse(await readFile(json, 'utf8')) as {
    files: { encoder: { name: string }; arrays: { name: string } }
  }
  const arrays = await readFile(path.join(folder, files.arrays.name))
  await writeFile(
    path.join(folder, 'model/encoder.onnx'),
    await readFile(path.join(folder, files.encoder.name)),
  )
  await writeFile(path.join(folder, 'model/classifier.safetensors'), arrays)
  const key = await classifierKey(folder)
  await writeFile(path.join(folder, files.arrays.name), arrays.subarray(1))
  await expect(loadClassifier(folder)).rejects.toThrow(/another content of model.classifier-.* --resume/)
  await writeFile(json, JSON.stringify({ ...settings, version: 1 }))
  expect(contents(await loadClassifier(folder))).toEqual(contents(before))
  expect(await classifierKey(folder)).not.toBe(key)
})
