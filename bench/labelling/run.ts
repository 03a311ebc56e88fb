/**
 * How long one waits when labelling: opening a run, predictions again after a label, suggestions; of features that are made
 * (groups of images around centres), with labels of a few images of each group.
 *
 *   npx tsx bench/labelling/run.ts [--images 10000] [--labels 200] [--rounds 9] [--columns 128] [--threads 1]
 */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { parseArgs } from 'node:util'
import { Workbench } from '../../packages/handful/src/labelling/workbench.js'
import { makeRun } from '../../packages/handful/test/labelling/made-run.js'

const CLASSES = 10

const { values: given } = parseArgs({
  options: {
    images: { type: 'string', default: '10000' },
    labels: { type: 'string', default: '200' },
    rounds: { type: 'string', default: '9' },
    columns: { type: 'string', default: '128' },
    threads: { type: 'string', default: '1' },
  },
})
const [images, labels, rounds, columns, threads] = [
  given.images,
  given.labels,
  given.rounds,
  given.columns,
  given.threads,
].map(Number)

async function timed<T>(work: () => Promise<T>): Promise<{ milliseconds: number; result: T }> {
  const started = performance.now()
  const result = await work()
  return { milliseconds: performance.now() - started, result }
}

const middle = (times: readonly number[]): string => {
  const sorted = [...times].sort((a, b) => a - b)
  return `${sorted[Math.floor(sorted.length / 2)].toFixed(0)} ms (${sorted[0].toFixed(0)} to ${sorted[sorted.length - 1].toFixed(0)})`
}

const folder = await mkdtemp(path.join(tmpdir(), 'handful-bench-'))
try {
  const made = await makeRun(folder, { images, groups: CLASSES, spread: 2.5, columns })
  const opened = await timed(() => Workbench.open(folder, { threads }))
  const workbench = opened.result
  const by = { seen: 'picked', who: 'bench' } as const
  await workbench.journal.addClasses(
    Array.from({ length: CLASSES }, (_, c) => `class ${c}`),
    'bench',
  )
  const label = (first: number, count: number): Promise<unknown> =>
    workbench.label(
      Array.from({ length: count }, (_, i) => ({
        image: first + i,
        label: made.groupOf(workbench.paths[first + i]),
      })),
      by,
    )
  await label(0, labels)
  const first = await timed(() => workbench.refit({ onBetter: () => {} }))
  const judged = await timed(() => workbench.refit())
  const [refits, journal, suggestions]: [number[], number[], number[]] = [[], [], []]
  for (let round = 0; round < rounds; round++) {
    journal.push((await timed(() => label(labels + round, 1))).milliseconds)
    refits.push((await timed(() => workbench.refit({ onBetter: () => {} }))).milliseconds)
    suggestions.push((await timed(() => workbench.suggest({ count: 20, kind: 'next' }))).milliseconds)
  }
  const { fitted } = workbench
  const right = workbench.paths.filter(
    (each, i) => fitted !== undefined && fitted.predicted[i] === made.groupOf(each),
  ).length
  console.log(
    `${images} images, ${labels} labels of ${CLASSES} classes, medians of ${rounds} (least to most)`,
  )
  console.log(`open                     ${opened.milliseconds.toFixed(0)} ms`)
  console.log(`first predictions        ${first.milliseconds.toFixed(0)} ms`)
  console.log(`${labels} labels judged        ${judged.milliseconds.toFixed(0)} ms, once`)
  console.log(`a label into the journal ${middle(journal)}`)
  console.log(`predictions again        ${middle(refits)}`)
  console.log(`20 suggestions           ${middle(suggestions)}`)
  console.log(`right                    ${((100 * right) / images).toFixed(1)} % of all images`)
  await workbench.close()
} finally {
  await rm(folder, { recursive: true })
}
