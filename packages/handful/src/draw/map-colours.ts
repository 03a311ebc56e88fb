/**
 * Colours of classes on a map, for light and for dark paper. Up to ten are those of Petroff ("Accessible color sequences for
 * data visualization", arXiv 2107.02270), chosen to be told apart under all common forms of colour blindness; on dark paper
 * the dark ones are lighter. More classes get hues around the circle with neighbours of unlike lightness (in OKLCH), which
 * nobody tells apart by colour alone: names on the map do the rest.
 */

const TEN_ON_LIGHT = [
  '#3f90da', '#ffa90e', '#bd1f01', '#94a4a2', '#832db6', '#a96b59', '#e76300', '#b9ac70', '#4b4e57', '#5cc8cc',
] // prettier-ignore
const TEN_ON_DARK = [
  '#3f90da', '#ffa90e', '#e0452a', '#94a4a2', '#a95fd8', '#b57d6c', '#f07a24', '#c9bd85', '#d5d8de', '#92dadd',
] // prettier-ignore

const LIGHTNESS_ON_LIGHT = [0.5, 0.72, 0.6, 0.42]
const LIGHTNESS_ON_DARK = [0.6, 0.84, 0.72, 0.52]
const CHROMA = 0.15

export function classColours(count: number): {
  readonly light: readonly string[]
  readonly dark: readonly string[]
} {
  if (count <= TEN_ON_LIGHT.length)
    return { light: TEN_ON_LIGHT.slice(0, count), dark: TEN_ON_DARK.slice(0, count) }
  const around = (lightness: readonly number[]): string[] =>
    Array.from({ length: count }, (_, i) =>
      oklch(lightness[i % lightness.length], CHROMA, (2 * Math.PI * i) / count + 0.4),
    )
  return { light: around(LIGHTNESS_ON_LIGHT), dark: around(LIGHTNESS_ON_DARK) }
}

/** Lightness, chroma and hue as #rrggbb, less chroma where the screen can't show so much (Ottosson, "Oklab", 2020). */
function oklch(lightness: number, chroma: number, hue: number): string {
  for (let share = 1; ; share -= 0.1) {
    const [a, b] = [share * chroma * Math.cos(hue), share * chroma * Math.sin(hue)]
    const l = (lightness + 0.3963377774 * a + 0.2158037573 * b) ** 3
    const m = (lightness - 0.1055613458 * a - 0.0638541728 * b) ** 3
    const s = (lightness - 0.0894841775 * a - 1.291485548 * b) ** 3
    const linear = [
      4.0767416621 * l - 3.3077115913 * m + 0.2309699292 * s,
      -1.2684380046 * l + 2.6097574011 * m - 0.3413193965 * s,
      -0.0041960863 * l - 0.7034186147 * m + 1.707614701 * s,
    ]
    if (share > 0.05 && linear.some((value) => value < 0 || value > 1)) continue
    return `#${linear.map((value) => hex(Math.min(1, Math.max(0, value)))).join('')}`
  }
}

/** Of a linear share of light, by the curve of sRGB (IEC 61966-2-1). */
function hex(linear: number): string {
  const value = linear <= 0.0031308 ? 12.92 * linear : 1.055 * linear ** (1 / 2.4) - 0.055
  return Math.round(255 * value)
    .toString(16)
    .padStart(2, '0')
}
