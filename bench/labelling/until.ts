/**
 * How many labels a person needs until so much of a folder is classified right: suggestions against images at random, each
 * labelled truly, predictions of all images found again after every few. What is labelled counts as right.
 *
 *   npx tsx bench/labelling/until.ts <run of handful prepare> --truth <csv of file_name,label>
 *     [--share 0.9] [--batch 10] [--most 600] [--seed 0]
 *
 * The run's own labels have to be none; they are written to a copy of its journal's folder and thrown away.
 */
import { cp, mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { parseArgs } from 'node:util'
import { parseCsv } from '../../packages/handful/src/files/csv.js'
import { Workbench } from '../../packages/handful/src/labelling/workbench.js'

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    truth: { type: 'string', default: '' },
    share: { type: 'string', default: '0.9' },
    batch: { type: 'string', default: '10' },
    most: { type: 'string', default: '600' },
    seed: { type: 'string', default: '0' },
  },
})
const [share, batch, most, seed] = [values.share, values.batch, values.most, values.seed].map(Number)
const rows = parseCsv(await readFile(values.truth, 'utf8'), values.truth).slice(1)
const truth = new Map(rows.map(({ fields: [file, label] }) => [file, label]))

/** Share of all images that are right after each batch. */
async function course(strategy: string | undefined): Promise<void> {
  const folder = await mkdtemp(path.join(tmpdir(), 'handful-until-'))
  await cp(positionals[0], folder, { recursive: true })
  const workbench = await Workbench.open(folder, { seed, threads: 1 })
  try {
    const words: string[] = []
    let reached: number | undefined
    for (let labels = 0; labels < most && reached === undefined;) {
      const next = await workbench.suggest({ count: batch, kind: 'next', strategy })
      await workbench.journal.labelNamed(
        next.map(({ image }) => ({ image: workbench.paths[image], name: truth.get(workbench.paths[image]) })),
        { seen: 'suggestion', who: 'bench' },
      )
      labels += next.length
      const fitted = await workbench.refit()
      if (fitted.kind !== 'fitted') continue
      const right = workbench.paths.filter(
        (name, image) => workbench.journal.nameOf(fitted.predicted[image]) === truth.get(name),
      ).length
      const now = right / workbench.images
      if (labels % (5 * batch) === 0 || now >= share) words.push(`${labels}: ${(100 * now).toFixed(1)}`)
      if (now >= share) reached = labels
    }
    console.log(`${strategy ?? 'as suggested'}: ${reached ?? `not by ${most}`} labels for ${100 * share} %`)
    console.log(`  ${words.join('  ')}`)
  } finally {
    await workbench.close()
    await rm(folder, { recursive: true, force: true })
  }
}

for (const strategy of [undefined, 'random']) await course(strategy)
