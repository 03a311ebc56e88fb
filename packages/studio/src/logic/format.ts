/** How numbers, durations and counts are written on the page: as in the report. */

const whole = new Intl.NumberFormat('en')

export const number = (value: number): string => whole.format(value)

export const percent = (share: number, digits = 0): string => `${(share * 100).toFixed(digits)} %`

export const counted = (count: number, one: string, many = `${one}s`): string =>
  `${number(count)} ${count === 1 ? one : many}`

/** `40 s`, `3 min 20 s`, `2 h 5 min`. */
export function duration(seconds: number): string {
  const rounded = Math.max(0, Math.round(seconds))
  if (rounded < 60) return `${rounded} s`
  const minutes = Math.floor(rounded / 60)
  if (minutes < 60) return rounded % 60 === 0 ? `${minutes} min` : `${minutes} min ${rounded % 60} s`
  return minutes % 60 === 0 ? `${minutes / 60} h` : `${Math.floor(minutes / 60)} h ${minutes % 60} min`
}

/** `3.4 MB`: in powers of 1000, as file managers do. */
export function bytes(count: number): string {
  if (count < 1000) return `${count} B`
  const units = ['kB', 'MB', 'GB', 'TB']
  const power = Math.min(units.length, Math.floor(Math.log10(count) / 3))
  const value = count / 1000 ** power
  return `${value < 10 ? value.toFixed(1) : Math.round(value)} ${units[power - 1]}`
}

const DIGITS = 3

/** Up to three significant digits, for values of a curve. */
export function value(of: number, digits = DIGITS): string {
  if (!Number.isFinite(of)) return String(of)
  if (of !== 0 && (Math.abs(of) >= 1e5 || Math.abs(of) < 1e-3)) return of.toExponential(digits - 1)
  return String(Number(of.toPrecision(digits)))
}

/** Values of an axis: with as many digits as it takes to tell them apart. */
export function axisValues(of: readonly number[], isPercent = false): readonly string[] {
  for (let digits = DIGITS; ; digits++) {
    const written = of.map((each) =>
      isPercent ? `${Number((100 * each).toFixed(digits - DIGITS))} %` : value(each, digits),
    )
    if (digits === 9 || new Set(written).size === new Set(of).size) return written
  }
}

export const fileName = (path: string): string => path.slice(path.lastIndexOf('/') + 1)

export function folderOf(path: string): string {
  const end = path.lastIndexOf('/')
  return end < 0 ? '' : path.slice(0, end)
}
