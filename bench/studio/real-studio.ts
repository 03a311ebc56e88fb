/**
 * A studio on real photographs whose classes were thrown away, with trained runs and some labels: what pictures of the page are
 * taken of. What was made in the folder before is taken up again.
 */
import { spawnSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import { copyFile, mkdir, readdir, readFile, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { fileURLToPath } from 'node:url'
import { Random } from 'onnx-autodiff'
import { z } from 'zod'
import type { RunningStudio } from '../../packages/handful/src/studio/serve.js'
import { startStudio } from '../../packages/handful/src/studio/serve.js'
import { Client, until } from '../../packages/handful/test/studio/studio-under-test.js'

const PROGRAM = fileURLToPath(new URL('../../packages/handful/dist/cli/main.js', import.meta.url))
const MODELS = ['diffusion', 'vae', 'contrastive'] as const

export interface RealStudio {
  readonly studio: RunningStudio
  readonly client: Client
  /** Of an image of the catalogue. */
  readonly classOf: (image: number) => string
  /** Full path of an image. */
  readonly fileOf: (image: number) => string
  /** Makes the run of this model the one that is shown, or the other where its training has not come to its end. */
  show(model: (typeof MODELS)[number]): Promise<void>
}

/**
 * @param photos a folder with a sub-folder for each class
 * @param minutes that each model trains for, where it is not trained yet
 */
export async function realStudio(
  photos: string,
  scratch: string,
  { name, minutes }: { readonly name: string; readonly minutes: number },
): Promise<RealStudio> {
  const flat = path.join(scratch, name)
  const runs = path.join(scratch, 'runs')
  const truth = await flattened(photos, flat)
  for (const model of MODELS) {
    const run = path.join(runs, `${name}-${model}`)
    if (existsSync(run)) continue
    const words = ['prepare', flat, '--model', model, '--minutes', String(minutes), '--out', run, '--quiet']
    spawnSync(process.execPath, [PROGRAM, ...words], { stdio: 'inherit' })
  }
  const studio = await startStudio({
    place: flat,
    port: 0,
    page: path.join(path.dirname(PROGRAM), '../page'),
    runs,
    threads: 2,
    program: [process.execPath, PROGRAM],
    environment: process.env,
    cache: path.join(scratch, 'cache'),
    onFault: (error) => console.error(error),
  })
  const client = await Client.open(studio)
  await until(async () => ((await client.view('state')).runs.length >= MODELS.length ? true : undefined), 300)
  const { paths } = await client.view('catalogue')
  return {
    studio,
    client,
    classOf: (image) => truth.get(paths[image]) ?? '',
    fileOf: (image) => path.join(flat, paths[image]),
    async show(model) {
      const { runs: cards } = await client.view('state')
      const ready = cards.filter(({ state }) => state === 'ready').map((card) => card.name)
      const run = [`${name}-${model}`, ...ready].find((each) => ready.includes(each))
      if (run === undefined) throw new Error('no run whose training has come to its end')
      await client.ask('selectRun', { run })
      await until(async () => {
        const found = await client.view('predictions').catch(() => undefined)
        return found?.classes.some((id) => id >= 0) === true ? true : undefined
      }, 300)
    },
  }
}

/** Copies images into one folder under names that say nothing; `<folder>-truth.json` keeps what they show. */
export async function flattened(photos: string, flat: string): Promise<Map<string, string>> {
  const kept = `${flat}-truth.json`
  if (existsSync(kept))
    return new Map(
      Object.entries(z.record(z.string(), z.string()).parse(JSON.parse(await readFile(kept, 'utf8')))),
    )
  const classes = (await readdir(photos)).sort()
  const all: { file: string; label: string }[] = []
  for (const label of classes)
    for (const file of (await readdir(path.join(photos, label))).sort())
      all.push({ file: path.join(photos, label, file), label })
  new Random(0, 'names of photographs').shuffle(all)
  await mkdir(flat, { recursive: true })
  const truth = new Map<string, string>()
  for (const [i, { file, label }] of all.entries()) {
    const name = `hand-${String(i + 1).padStart(4, '0')}${path.extname(file)}`
    truth.set(name, label)
    await copyFile(file, path.join(flat, name))
  }
  await writeFile(kept, JSON.stringify(Object.fromEntries(truth)))
  return truth
}

/** Labels what is suggested, one image in five blind, as a person would who makes no mistake. */
export async function labelSome({ client, classOf }: RealStudio, count: number): Promise<void> {
  const { labelled, classes } = await client.view('state')
  const ids = new Map(classes.map(({ id, name }) => [name, id]))
  for (let done = labelled; done < count;) {
    for (const [kind, share] of [
      ['next', 8],
      ['audit', 2],
    ] as const) {
      const found = await client.ask('suggest', { count: share, kind })
      for (const { image } of found) {
        const name = classOf(image)
        if (!ids.has(name)) {
          const state = await client.ask('addClass', { name })
          for (const each of state.classes) ids.set(each.name, each.id)
        }
        const seen = kind === 'audit' ? 'blind' : 'suggestion'
        await client.ask('label', { decisions: [{ image, label: ids.get(name) ?? null }], seen })
        done++
      }
    }
  }
}
