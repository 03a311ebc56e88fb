/** How lines are told apart in every figure: colour, dash and marker, each enough alone. */
import type * as Plot from '@observablehq/plot'
import { HUES } from './figure-frame.js'

const MARKERS = {
  circle: { symbol: 'circle' },
  triangle: { symbol: 'triangle' },
  diamond: { symbol: 'diamond' },
  down: { symbol: 'triangle', rotate: 180 },
  cross: { symbol: 'cross', rotate: 45 },
  plus: { symbol: 'cross' },
  star: { symbol: 'star' },
  square: { symbol: 'square' },
} as const satisfies Record<string, Plot.DotOptions>
const NAMES = Object.keys(MARKERS) as Marker[]
const DASHES = [undefined, '8 3', '2.5 2.5', '9 3 2 3', '14 4', '5 3', '6 2 2 2 2 2'] as const

export type Marker = keyof typeof MARKERS

export interface Look {
  /** The class of its colour. */
  readonly colour: string
  readonly dash?: string
  readonly marker: Marker
}

/** What others published: thin, dashed and without markers. */
export const PUBLISHED: Look = { colour: 'f-faint', dash: '4 3', marker: 'circle' }

/**
 * The look number `i` of a set: its hue, dash and marker by their numbers, each the same as `i` where they are not given.
 */
export function lookOf(i: number, dash = i, marker = i + Math.floor(i / HUES)): Look {
  return {
    colour: `f-hue-${i % HUES}`,
    dash: DASHES[dash % DASHES.length],
    marker: NAMES[marker % NAMES.length],
  }
}

/** Options of a dot in a look, with a thin rim of the page's colour. */
export function dot({ colour, marker }: Look): Plot.DotOptions {
  return { ...MARKERS[marker], r: 4.2, fill: 'currentColor', strokeWidth: 1, className: `${colour} f-rim` }
}
