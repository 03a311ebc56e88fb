/**
 * Runs that open run folders of an earlier version: each is copied into a fresh working directory as `run`, and everything
 * that can be done with it is done. What an old run gives, a newer program has to give again.
 */
import { readdir, readFile } from 'node:fs/promises'
import path from 'node:path'
import { type Run, typed } from './run.js'
import { ONE } from './small-models.js'

export async function openingRuns(stored: string): Promise<Run[]> {
  const names = (await readdir(stored, { withFileTypes: true }))
    .filter((entry) => entry.isDirectory())
    .map(({ name }) => name)
  const runs = names.sort().map(async (name): Promise<Run> => {
    const folder = path.join(stored, name)
    return { name: `open-${name}`, steps: typed(...(await commandsFor(folder))), opens: folder }
  })
  return Promise.all(runs)
}

async function commandsFor(folder: string): Promise<string[]> {
  const inside = await readdir(folder)
  if (inside.includes('study.yaml')) return ofStudy()
  const config = await readFile(path.join(folder, 'config.yaml'), 'utf8')
  const command = /^command: (\w+)$/m.exec(config)?.[1] ?? 'fit'
  if (command === 'supervised') return ['supervised --resume run --json', 'report run']
  const model = /^model: (\w+)$/m.exec(config)?.[1] ?? 'vae'
  const finished = (await readdir(path.join(folder, 'model')).catch(() => [])).length > 0
  return [
    // An unfinished one is trained to its end first; of a finished one this comes last, to leave it as it was till then.
    ...(finished ? [] : [`${command} --resume run`]),
    ...(command === 'fit' ? ofClassifier() : []),
    ...ofModel(model),
    ...(finished ? [`${command} --resume run --json`] : []),
  ]
}

const ofStudy = (): string[] => [
  'study --resume run --dry-run',
  'report run --json',
  'study --resume run --quiet',
  'study --resume run --draws 3 --quiet',
]

const ofClassifier = (): string[] => [
  `predict run new ${ONE}`,
  `predict run new grey photos ${ONE} --out all.csv`,
  'report run',
  'report run --json',
]

const ofModel = (model: string): string[] => [
  'layers run --json',
  `features run ${ONE} --out own.npy`,
  `features run new ${ONE} --out new.safetensors`,
  `sample run ${ONE} --count 3 --seed 8 --out drawn.png`,
  `reconstruct run new ${ONE} --count 3 --out pairs.png`,
  ...(model === 'diffusion'
    ? [
        `features run new ${ONE} --noise-level 20,400 --mirror --out noised.npy`,
        `sweep run ${ONE} --labels-per-class 2 --draws 2 --noise-levels 20,400 --layers middle.0,middle.1 --out sweep`,
      ]
    : [`reconstruct run new ${ONE} --interpolate 3 --out between.png`]),
  `map run ${ONE} --count 20 --out map`,
  `score run ${ONE} --count 12 --held-out grey/test photos/owl`,
]
