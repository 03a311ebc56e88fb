/**
 * Which curves share a panel, and how much of them it shows. Losses of one metric and one model are comparable, all others may
 * differ a thousandfold: a reconstruction of 4,000 beside a divergence of 3.
 */
export type CurvePoint = readonly [step: number, value: number | null]

export interface CurvesOfRun {
  readonly model: string
  readonly curves: Readonly<Record<string, readonly CurvePoint[]>>
}

export interface Panel {
  /** The metric, with the model where several have it. */
  readonly name: string
  readonly metric: string
  /** Positions of the runs whose curves it holds. */
  readonly runs: readonly number[]
}

export function panelsOf(runs: readonly CurvesOfRun[]): Panel[] {
  const metrics = [...new Set(runs.flatMap(({ curves }) => Object.keys(curves)))]
  return metrics.flatMap((metric) => {
    const having = runs.flatMap(({ curves }, at) => (metric in curves ? [at] : []))
    const models = [...new Set(having.map((at) => runs[at].model))]
    return models.map((model) => ({
      name: models.length === 1 ? inWords(metric) : `${inWords(metric)}, ${model}`,
      metric,
      runs: having.filter((at) => runs[at].model === model),
    }))
  })
}

/** `low noise` for `lowNoise`. */
const inWords = (metric: string): string =>
  metric.replace(/[a-z][A-Z]/g, ([before, after]) => `${before} ${after.toLowerCase()}`)

/** Of values that are shown at any rate, from below and from above. */
const [LOW_SHARE, HIGH_SHARE] = [0.03, 0.97]
/** Values farther out than this many spans of the others are left outside. */
const MOST_SPANS = 3
const MARGIN = 0.06

/**
 * From the lowest value to the highest, without the few that are so far out that nothing could be told of the rest: a loss of
 * the first steps, a step that went wrong.
 */
export function readableRange(values: readonly (number | null | undefined)[]): [low: number, high: number] {
  const sorted = values.filter((each): each is number => Number.isFinite(each)).sort((a, b) => a - b)
  if (sorted.length === 0) return [0, 1]
  const at = (share: number): number => sorted[Math.round(share * (sorted.length - 1))]
  const [lowest, highest] = [sorted[0], sorted[sorted.length - 1]]
  const [low, high] = [at(LOW_SHARE), at(HIGH_SHARE)]
  const span = high - low
  const bottom = span > 0 && low - lowest > MOST_SPANS * span ? low - span / 4 : lowest
  const top = span > 0 && highest - high > MOST_SPANS * span ? high + span / 4 : highest
  // A level line lies in the middle.
  const margin = top > bottom ? MARGIN * (top - bottom) : Math.max(Math.abs(top) * 0.1, 1e-6)
  return [bottom - margin, top + margin]
}
