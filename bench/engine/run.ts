/**
 * Whole training steps, this engine against PyTorch, alternating in one run on the same two cores.
 *
 *   npx tsx bench/engine/run.ts [--python path] [--models vae,unet,resnet18] [--rounds 5] [--steps 4]
 *
 * PyTorch runs in both memory layouts; its better one counts. Ratios are medians over rounds of (PyTorch's median step
 * / ours) within a round, so that a machine that slows down for all slows no one alone.
 */
import { type ChildProcessWithoutNullStreams, spawn } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'

const { values } = parseArgs({
  options: {
    python: { type: 'string', default: 'python3' },
    models: { type: 'string', default: 'vae,unet,resnet18' },
    rounds: { type: 'string', default: '5' },
    steps: { type: 'string', default: '4' },
  },
})
const here = (name: string): string => fileURLToPath(new URL(name, import.meta.url))
const median = (list: readonly number[]): number => list.toSorted((a, b) => a - b)[list.length >> 1]

/** A process that runs steps when told. */
class Contestant {
  readonly #child: ChildProcessWithoutNullStreams
  readonly #lines: AsyncIterator<string>
  readonly rounds: number[] = []
  peak = 0

  constructor(
    readonly label: string,
    command: string,
    args: readonly string[],
  ) {
    this.#child = spawn(command, args, { env: { ...process.env, OMP_NUM_THREADS: '2' } })
    this.#child.stderr.pipe(process.stderr)
    this.#lines = createInterface({ input: this.#child.stdout })[Symbol.asyncIterator]()
  }

  async line(): Promise<Record<string, unknown>> {
    const { value, done } = await this.#lines.next()
    if (done) throw new Error(`${this.label}: ended before it answered`)
    return JSON.parse(value) as Record<string, unknown>
  }

  async run(steps: number, counts = true): Promise<void> {
    this.#child.stdin.write(`run ${steps}\n`)
    const { ms, peak_mb: peak } = (await this.line()) as { ms: number[]; peak_mb: number }
    if (counts) this.rounds.push(median(ms))
    this.peak = peak
  }

  async quit(): Promise<void> {
    this.#child.stdin.end('quit\n')
    await once(this.#child, 'exit')
  }
}

for (const model of values.models.split(',')) {
  const own = new Contestant('onnx-autodiff', process.execPath, ['--import', 'tsx', here('own.ts'), model])
  const rivals = ['first', 'last'].map(
    (layout) =>
      new Contestant(`PyTorch channels ${layout}`, values.python, [here(`${model}.py`), '--layout', layout]),
  )
  const all = [own, ...rivals]
  for (const each of all) console.log(JSON.stringify(await each.line()))
  for (const each of all) await each.run(2, false)
  for (let round = 0; round < Number(values.rounds); round++)
    for (const each of all) await each.run(Number(values.steps))
  for (const each of all) await each.quit()
  const best = rivals.reduce((a, b) => (median(a.rounds) <= median(b.rounds) ? a : b))
  const ratios = best.rounds.map((ms, i) => ms / own.rounds[i])
  for (const each of all) {
    const times = each.rounds.map((ms) => ms.toFixed(0)).join(' ')
    console.log(
      `${model}  ${each.label.padEnd(22)} median ${median(each.rounds).toFixed(0)} ms  (${times})  peak ${each.peak.toFixed(0)} MB`,
    )
  }
  console.log(
    `${model}  speed ${median(ratios).toFixed(2)} of PyTorch's (${ratios.map((r) => r.toFixed(2)).join(' ')}), ` +
      `memory ${(own.peak / best.peak).toFixed(2)} of its\n`,
  )
}
