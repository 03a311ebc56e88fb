/**
 * A class's colour: given by its number, which is never used again, so it stays for ever. The first eight follow Okabe and
 * Ito (2008) and the next Tol (2021), with the yellows darkened to be seen on white; further ones walk around the circle by
 * the golden angle. A colour is never the only mark: keys and names stand beside it.
 */

const CHOSEN = [
  '#0072b2', '#e08e00', '#009e73', '#c9609b', '#47a7e0', '#d1490c', '#9c8f00', '#7a5bd0',
  '#8a6a45', '#647488', '#332288', '#1f9f92', '#a8325e', '#5f8f2e', '#b04fb8', '#c06070',
  '#00788a', '#7d3f98', '#a0762c', '#3f6fd8',
] // prettier-ignore

const GOLDEN_ANGLE = 137.508

/** Of images without a label or a prediction, and of those that a filter leaves out. */
export const NO_CLASS = '#8f98a3'
/** "None of these". */
export const NONE_OF_THESE = '#565f69'

export type Rgb = readonly [red: number, green: number, blue: number]

const cache = new Map<number, string>()

/** `#rrggbb` of a class number; -1 is no class, -2 none of these. */
export function classColour(id: number): string {
  if (id === -1) return NO_CLASS
  if (id === -2) return NONE_OF_THESE
  if (id < CHOSEN.length) return CHOSEN[id]
  const known = cache.get(id)
  if (known !== undefined) return known
  const step = id - CHOSEN.length
  const colour = hex(fromHue((step * GOLDEN_ANGLE) % 360, 0.55 + 0.2 * (step % 2), 0.42 + 0.07 * (step % 3)))
  cache.set(id, colour)
  return colour
}

/** Black or white, whichever is easier to read on the colour (WCAG 2 relative luminance). */
export function inkOn(colour: string): '#000000' | '#ffffff' {
  const [red, green, blue] = rgb(colour).map((value) => {
    const share = value / 255
    return share <= 0.04045 ? share / 12.92 : ((share + 0.055) / 1.055) ** 2.4
  })
  const luminance = 0.2126 * red + 0.7152 * green + 0.0722 * blue
  return 1.05 / (luminance + 0.05) >= (luminance + 0.05) / 0.05 ? '#ffffff' : '#000000'
}

export function rgb(colour: string): Rgb {
  const value = Number.parseInt(colour.slice(1), 16)
  return [value >> 16, (value >> 8) & 255, value & 255]
}

/** Confidence 0 to 1, from orange over grey to blue: the report's two colours. */
export function confidenceColour(confidence: number): Rgb {
  const unsure: Rgb = [224, 122, 10]
  const middle: Rgb = [150, 156, 164]
  const sure: Rgb = [0, 114, 190]
  const share = Math.min(1, Math.max(0, confidence))
  return share < 0.5 ? between(unsure, middle, share * 2) : between(middle, sure, share * 2 - 1)
}

function between(from: Rgb, to: Rgb, share: number): Rgb {
  return [0, 1, 2].map((k) => Math.round(from[k] + (to[k] - from[k]) * share)) as [number, number, number]
}

function fromHue(hue: number, saturation: number, lightness: number): Rgb {
  const channel = (n: number) => {
    const k = (n + hue / 30) % 12
    const reach = saturation * Math.min(lightness, 1 - lightness)
    return Math.round(255 * (lightness - reach * Math.max(-1, Math.min(k - 3, 9 - k, 1))))
  }
  return [channel(0), channel(8), channel(4)]
}

function hex([red, green, blue]: Rgb): string {
  return `#${((red << 16) | (green << 8) | blue).toString(16).padStart(6, '0')}`
}
