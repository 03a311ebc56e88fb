/**
 * What a queue costs and gains: 1,000 stages of nothing through one worker against one process, and a small study by
 * workers of one thread against one process of one thread and of two. Needs redis-server and a build.
 *
 *   npx tsx bench/queue/run.ts [--stages 1000] [--workers 4] [--count 2000] [--draws 5] [--only overhead|study]
 */
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { loadavg } from 'node:os'
import path from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { plainLinearAlgebra } from '../../packages/handful/src/numerics/linear-algebra.js'
import { runStages } from '../../packages/handful/src/stages/run-stages.js'
import { StageStore } from '../../packages/handful/src/stages/stage-store.js'
import { silentProgress } from '../../packages/handful/src/training/progress.js'
import { madeStages } from '../../packages/handful/test/queue/made-stages.js'
import { startRedis } from '../../packages/handful/test/queue/redis-under-test.js'
import {
  ownFolder,
  plan,
  removeFolders,
  startWorker,
  studyFolder,
  writeStages,
} from '../../packages/handful/test/queue/support.js'

const { values: given } = parseArgs({
  options: {
    stages: { type: 'string', default: '1000' },
    workers: { type: 'string', default: '4' },
    count: { type: 'string', default: '2000' },
    draws: { type: 'string', default: '5' },
    only: { type: 'string' },
  },
})
const [stages, workers, count, draws] = [given.stages, given.workers, given.count, given.draws].map(Number)
const CLI = fileURLToPath(new URL('../../packages/handful/dist/cli/main.js', import.meta.url))

async function seconds(work: () => Promise<unknown>): Promise<number> {
  const started = performance.now()
  await work()
  return (performance.now() - started) / 1000
}

async function overhead(): Promise<void> {
  const redis = await startRedis(ownFolder())
  const [queued, alone] = [ownFolder(), ownFolder()].map((store) => ({ redis, store }))
  const list = Array.from({ length: stages }, (_, i) => ({ name: `${i}`, does: 'nothing' as const }))
  writeStages(queued, list)
  writeStages(alone, list)
  const own = await seconds(() =>
    runStages(madeStages(studyFolder(alone)), {
      store: new StageStore(studyFolder(alone)),
      progress: silentProgress,
      context: {
        linearAlgebra: plainLinearAlgebra(),
        ...{ seed: 0, threads: 1, device: 'cpu', signal: new AbortController().signal },
      },
    }),
  )
  const worker = startWorker(queued)
  await worker.says('ready')
  const all = await seconds(() => plan(queued).standing)
  await worker.end()
  await redis.stop()
  const each = (time: number): string => `${((1000 * time) / stages).toFixed(1)} ms`
  console.log(
    `${stages} stages of nothing: ${each(all)} each by a worker, ${each(own)} in one process; load ${loadavg()[0].toFixed(1)}`,
  )
}

function handful(args: readonly string[]): ChildProcess {
  return spawn(process.execPath, [CLI, ...args], { stdio: ['ignore', 'ignore', 'inherit'] })
}

interface Found {
  readonly cells: readonly { method: string; head: string; labelsPerClass: unknown; accuracies: number[] }[]
}

function cellsOf(folder: string): string {
  const { cells } = JSON.parse(readFileSync(path.join(folder, 'study.json'), 'utf8')) as Found
  const words = cells.map(
    ({ method, head, labelsPerClass, accuracies }) =>
      `${method} ${head} ${String(labelsPerClass)} ${accuracies.join(' ')}`,
  )
  return words.sort().join('\n')
}

async function study(): Promise<void> {
  const folder = ownFolder()
  const options = [
    ...['study', 'strokes', '--count', String(count), '--test-count', '500', '--draws', String(draws)],
    ...['--methods', 'pixels,pca,patches,random', '--labels', '1,2,4,8', '--quiet'],
    ...['--without', 'sweep,parts,maps,atlas,generation'],
  ]
  const times = new Map<string, number>()
  for (const threads of [1, 2]) {
    const out = path.join(folder, `${threads}`)
    const run = (): Promise<unknown> =>
      once(handful([...options, '--out', out, '--threads', `${threads}`]), 'exit')
    times.set(`one process of ${threads}`, await seconds(run))
  }
  const redis = await startRedis(ownFolder())
  const place = ['--queue', redis.url, '--store', path.join(folder, 'store')]
  const started = Array.from({ length: workers }, () =>
    handful(['worker', ...place, '--threads', '1', '--memory', '2G', '--quiet']),
  )
  times.set(`${workers} workers of 1`, await seconds(() => once(handful([...options, ...place]), 'exit')))
  started.forEach((worker) => worker.kill('SIGTERM'))
  await Promise.all(started.map((worker) => once(worker, 'exit')))
  await redis.stop()
  const [one] = times.values()
  for (const [what, time] of times)
    console.log(`${what}: ${time.toFixed(1)} s, ${(one / time).toFixed(2)} times one process of 1`)
  const same = ['2', 'store/strokes'].every(
    (other) => cellsOf(path.join(folder, other)) === cellsOf(path.join(folder, '1')),
  )
  console.log(
    `accuracies of all draws: ${same ? 'the same' : 'NOT the same'}; load ${loadavg()[0].toFixed(1)}`,
  )
}

try {
  if (given.only !== 'study') await overhead()
  if (given.only !== 'overhead') await study()
} finally {
  removeFolders()
}
