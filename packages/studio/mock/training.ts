/** Training that is only played: curves that fall, pictures that clear up. */
import type { Metrics, RunCard } from '../../handful/src/studio/protocol.js'
import { normal, stream } from './random.js'

const TICK_MS = 500
/** At the speed of a clock. */
const READING_SECONDS = 2

export interface PlayedRun {
  readonly card: RunCard
  readonly minutes: number
  readonly seed: number
}

export function started(name: string, model: string, minutes: number, size: number, seed: number): PlayedRun {
  return {
    card: {
      name,
      model,
      size,
      state: 'training',
      seconds: 0,
      secondsLeft: minutes * 60,
      stage: `training ${model}`,
      done: 0,
      steps: 0,
      reading: { done: 0, total: 60_000, skipped: 14 },
    },
    minutes,
    seed,
  }
}

/** A little later; time runs `speed` times as fast as it does. */
export function ticked(run: PlayedRun, speed: number): PlayedRun {
  if (run.card.state !== 'training') return run
  const seconds = Math.min(run.minutes * 60, run.card.seconds + (TICK_MS / 1000) * speed)
  const done = seconds / (run.minutes * 60)
  if (run.card.reading !== undefined && seconds < READING_SECONDS * speed) {
    const reading = { ...run.card.reading, done: Math.round((60_000 * seconds) / (READING_SECONDS * speed)) }
    return { ...run, card: { ...run.card, seconds, reading } }
  }
  const steps = Math.round(seconds * 40)
  const left = run.minutes * 60 - seconds
  if (done < 1)
    return { ...run, card: { ...run.card, seconds, done, steps, secondsLeft: left, reading: undefined } }
  return { ...run, card: finished({ ...run.card, seconds, steps }) }
}

export function finished(card: RunCard): RunCard {
  return { ...card, state: 'ready', done: 1, secondsLeft: undefined, stage: undefined, reading: undefined }
}

export function metricsOf(run: PlayedRun): Metrics {
  const steps = run.card.steps ?? 0
  const points = Math.min(400, Math.max(2, Math.floor(steps / 40)))
  const curve = (from: number, to: number, slowness: number, spread: number, seed: number) => {
    const random = stream(run.seed * 31 + seed)
    return Array.from({ length: points }, (_, k): [number, number] => {
      const step = Math.round(((k + 1) / points) * steps)
      return [step, to + (from - to) * Math.exp(-step / slowness) + spread * normal(random)]
    })
  }
  const every = 600
  const pictures = Array.from({ length: Math.min(30, Math.floor(steps / every) + 1) }, (_, k) => k * every)
  return {
    run: run.card.name,
    curves: {
      loss: curve(0.9, 0.21 + 0.02 * (run.seed % 3), 1500, 0.012, 1),
      'loss, held out': curve(0.92, 0.24 + 0.02 * (run.seed % 3), 1600, 0.006, 2),
      reconstruction: curve(4000, 150, 1800, 10, 3),
      divergence: curve(-0.2, 3, 900, 0.003, 4),
      accuracy: curve(0.125, 0.84, 2600, 0.012, 5),
    },
    pictures: pictures.flatMap((step) => [
      { id: `samples-${run.seed}-${step}`, kind: 'samples' as const, step },
      { id: `reconstructions-${run.seed}-${step}`, kind: 'reconstructions' as const, step },
    ]),
  }
}

export { TICK_MS }
