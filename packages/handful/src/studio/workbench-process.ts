/**
 * The process of a workbench: a refit of many images takes a second of one core, and a server that is computing answers
 * nobody. It reads the journal that the server appends to, so nothing that is acknowledged depends on it, and ends with it.
 */
import { HandfulError } from '../errors.js'
import { type Fitted, type Positions, Workbench } from '../labelling/workbench.js'
import type { NoiseLevels } from './noise-levels.js'
import type { MapView } from './protocol.js'
import type { Call, FittedForPage, Reply, WorkbenchCalls } from './workbench-messages.js'

let workbench: Workbench | undefined
/** The best map so far. */
let map: Positions | undefined
let threadsOfEngine = 1
let noise: Promise<NoiseLevels> | undefined

const tell = (reply: Reply): void => void process.send?.(reply)

function opened(): Workbench {
  if (workbench === undefined) throw new Error('internal: workbench process: got a call before it was opened')
  return workbench
}

/** Four numbers a million times are sent faster as they are than as what the page does not read. */
function forPage({ probabilities: _, ...fitted }: Fitted): FittedForPage {
  return fitted
}

type Answering = {
  readonly [N in keyof WorkbenchCalls]: (
    asked: WorkbenchCalls[N]['asked'],
  ) => Promise<WorkbenchCalls[N]['answer']>
}

const answering: Answering = {
  async open({ run, threads }) {
    threadsOfEngine = threads
    workbench = await Workbench.open(run, { watch: true, threads })
    return { paths: workbench.paths }
  },
  async refit() {
    await opened().journal.refresh()
    const found = await opened().refit({
      onBetter: (fitted) => tell({ told: 'fitted', fitted: forPage(fitted) }),
    })
    return found.kind === 'waiting' ? found : forPage(found)
  },
  async suggest(asked) {
    await opened().journal.refresh()
    return opened().suggest(asked)
  },
  neighbours: ({ image, count }) => opened().neighbours(image, count),
  async map(): Promise<MapView> {
    map ??= await opened().positions({
      onBetter: (better) => {
        map = better
        tell({ told: 'map' })
      },
    })
    const { clusters, typical } = await opened().clusters()
    return { positions: Array.from(map.positions, rounded), clusters: [...clusters], typical }
  },
  async noise({ images }) {
    const { journal, paths, folder, seed } = opened()
    await journal.refresh()
    noise ??= import('./noise-levels.js').then(({ NoiseLevels }) =>
      NoiseLevels.open(folder, { threads: threadsOfEngine, seed, onAccuracy: () => tell({ told: 'noise' }) }),
    )
    noise.catch(() => (noise = undefined))
    const labels = { ...opened().labels(), revision: journal.revision }
    return (await noise).levels(
      images.map((image) => paths[image]),
      paths,
      labels,
    )
  },
}

/** To four digits: a screen shows no more, and text of all digits is twice as long. */
const rounded = (value: number): number => Math.round(value * 1e4) / 1e4

async function serve({ id, name, asked }: Call): Promise<void> {
  try {
    // The table's entry of this name takes what was asked under it, which a union of calls cannot say.
    const answer = answering[name] as (asked: Call['asked']) => Promise<WorkbenchCalls[typeof name]['answer']>
    tell({ id, answer: await answer(asked) })
  } catch (error) {
    const message = error instanceof Error ? error.message || error.name : String(error)
    tell({ id, error: message, foreseen: error instanceof HandfulError })
  }
}

// Ctrl-C reaches every process of a terminal: the studio itself says when this one is to end.
process.on('SIGINT', () => undefined)
process.on('disconnect', () => process.exit())
let queue: Promise<void> = Promise.resolve()
process.on('message', (call: Call) => {
  queue = queue.then(() => serve(call))
})
