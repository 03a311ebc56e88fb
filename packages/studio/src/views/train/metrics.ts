/** The curves and pictures of some runs, read again when the studio says that there are new ones. */
import { useEffect, useState } from 'preact/hooks'
import type { Metrics } from '../../../../handful/src/studio/protocol.js'
import { useStore } from '../../context.js'

/** At most so often a run. */
const EVERY_MS = 900

export function useMetrics(runs: readonly string[]): ReadonlyMap<string, Metrics> {
  const store = useStore()
  const [metrics, setMetrics] = useState<ReadonlyMap<string, Metrics>>(new Map())
  useEffect(() => {
    let ended = false
    const last = new Map<string, number>()
    const timers = new Map<string, ReturnType<typeof setTimeout>>()
    const read = async (run: string) => {
      last.set(run, Date.now())
      try {
        const found = await store.studio.view('metrics', { run })
        if (!ended) setMetrics((before) => new Map(before).set(run, found))
      } catch {
        // None yet, or out of reach: the next event asks again.
      }
    }
    const soon = (run: string) => {
      if (timers.has(run) || !runs.includes(run)) return
      const wait = Math.max(0, EVERY_MS - (Date.now() - (last.get(run) ?? 0)))
      timers.set(
        run,
        setTimeout(() => {
          timers.delete(run)
          void read(run)
        }, wait),
      )
    }
    for (const run of runs) void read(run)
    const stop = store.studio.on('metrics', ({ run }) => soon(run))
    return () => {
      ended = true
      stop()
      for (const timer of timers.values()) clearTimeout(timer)
    }
  }, [store, runs.join('\n')])
  return metrics
}
