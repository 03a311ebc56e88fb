/** Numbers as the report and the command line print them: counts, durations, percentages. */

/** 1234567 -> `1,234,567`. Fractions are kept to a useful number of digits: 3.14159 -> `3.1`, 0.0123 -> `0.012`. */
export function formatCount(value: number): string {
  if (!Number.isFinite(value)) return '?'
  const size = Math.abs(value)
  if (size >= 100 || Number.isInteger(value)) return Math.round(value).toLocaleString('en-US')
  return size >= 1 ? value.toFixed(1) : String(Number(value.toPrecision(2)))
}

/** A number between -1 and 1 with three decimals; one that is nearly 0 keeps a digit: 0.00031 -> `0.0003`. */
export function formatFraction(value: number): string {
  return value === 0 || Math.abs(value) >= 0.0005 ? value.toFixed(3) : String(Number(value.toPrecision(1)))
}

/** Seconds as a reader says them: `8 s`, `2 min 05 s`, `1 h 07 min`. */
export function formatDuration(seconds: number): string {
  if (seconds < 10 && seconds > 0 && !Number.isInteger(seconds)) return `${seconds.toFixed(1)} s`
  const whole = Math.round(seconds)
  if (whole < 60) return `${whole} s`
  if (whole < 3600) return `${Math.floor(whole / 60)} min ${String(whole % 60).padStart(2, '0')} s`
  const minutes = Math.round(whole / 60)
  return `${Math.floor(minutes / 60)} h ${String(minutes % 60).padStart(2, '0')} min`
}

/** Seconds on a clock, for lines that must stay short: `0:08`, `2:05`, `1:07:00`. */
export function formatClock(seconds: number): string {
  const whole = Math.max(0, Math.round(seconds))
  const pad = (value: number): string => String(value).padStart(2, '0')
  const hours = Math.floor(whole / 3600)
  const minutes = Math.floor(whole / 60) % 60
  return hours > 0 ? `${hours}:${pad(minutes)}:${pad(whole % 60)}` : `${minutes}:${pad(whole % 60)}`
}

/** A share as a percentage with one decimal, never rounded up to a certainty: 0.9999 -> `99.9 %`. */
export function formatPercent(share: number): string {
  const percent = share * 100
  if (share < 1 && percent > 99.9) return '99.9 %'
  if (share > 0 && percent < 0.1) return '0.1 %'
  return `${percent.toFixed(1)} %`
}

/** A probability for a small caption: whole per cent, `>99 %` and `<1 %` at the ends. */
export function formatProbability(probability: number): string {
  if (probability > 0.99) return '>99 %'
  return probability < 0.01 ? '<1 %' : `${(probability * 100).toFixed(0)} %`
}

/** `2026-11-25 06:34`, as reports date themselves. */
export const formatMinute = (isoDate: string): string => isoDate.slice(0, 16).replace('T', ' ')

/** `rate 0.15 and 1,000 steps, chosen by 160 labelled images in halves`: of a network trained on labels. */
export const choiceInWords = ({
  learningRate,
  steps,
  labels,
}: {
  readonly learningRate: number
  readonly steps: number
  readonly labels: number
}): string =>
  `rate ${Number(learningRate.toPrecision(2))} and ${formatCount(steps)} steps, chosen by ${formatCount(labels)} labelled images in halves`
