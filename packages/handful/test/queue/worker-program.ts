/** A worker in a process of its own, of made stages: `<redis address> <store> <lock in s> <hung in s> <threads>`. */
import { fileURLToPath } from 'node:url'
import { parseAddress } from '../../src/queue/address.js'
import { openConnection } from '../../src/queue/connection.js'
import { openSharedStore } from '../../src/queue/shared-store.js'
import { runWorker } from '../../src/queue/worker.js'
import { MADE } from './support.js'

const [address, folder, lock, hung, threads] = process.argv.slice(2)
const tell = (text: string): void => void process.stdout.write(`${text}\n`)
const controller = new AbortController()
process.on('SIGTERM', () => controller.abort(new Error('stopped')))
const { redis, close } = await openConnection(parseAddress(address, {}), {
  onLost: () => tell('away'),
  onBack: () => tell('back'),
})
tell('ready')
await runWorker(
  {
    store: await openSharedStore(folder),
    redis,
    offer: { threads: Number(threads), memoryBytes: 2 ** 33, device: 'cpu' },
    made: { ...MADE, commit: process.env.COMMIT ?? MADE.commit },
    environment: {},
    lockSeconds: Number(lock),
    hungSeconds: Number(hung),
    stageProgram: fileURLToPath(new URL('stage-program.ts', import.meta.url)),
  },
  {
    signal: controller.signal,
    progress: { plan: () => {}, report: () => {}, message: tell, aside: tell },
  },
).catch(() => undefined)
close()
process.exit()
