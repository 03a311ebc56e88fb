/** How a method looks in every figure: colour, dash and marker, each enough to tell it from the others. */
import type { Html } from '../../draw/html.js'
import { element, HUES } from '../../draw/figure-frame.js'
import type { Study, StudyMethod } from '../result.js'

export type Marker = 'circle' | 'square' | 'triangle' | 'diamond' | 'cross' | 'down' | 'plus' | 'star'

export interface Look {
  /** Sets the colour of what is drawn below it. */
  readonly colour: string
  readonly dash?: string
  readonly marker: Marker
}

const MARKERS: readonly Marker[] = [
  'circle',
  'triangle',
  'diamond',
  'down',
  'cross',
  'plus',
  'star',
  'square',
]
const DASHES = [undefined, '8 3', '2.5 2.5', '9 3 2 3', '14 4', '5 3', '6 2 2 2 2 2'] as const

/** Known methods look the same in every report. */
const KNOWN: Readonly<Record<string, Look>> = {
  resnet18: { colour: 'f-ink', marker: 'square' },
  'resnet18-small': { colour: 'f-ink', dash: '8 3', marker: 'diamond' },
  pixels: { colour: 'f-grey', dash: '2.5 2.5', marker: 'square' },
  random: { colour: 'f-grey', dash: '9 3 2 3', marker: 'cross' },
  diffusion: { colour: 'f-hue-0', marker: 'circle' },
  vae: { colour: 'f-hue-1', dash: '8 3', marker: 'triangle' },
  vqvae: { colour: 'f-hue-2', dash: '9 3 2 3', marker: 'diamond' },
  gan: { colour: 'f-hue-3', dash: '14 4', marker: 'down' },
  patches: { colour: 'f-hue-4', dash: '2.5 2.5', marker: 'cross' },
  pca: { colour: 'f-hue-5', dash: '5 3', marker: 'plus' },
}

/** The look number `i` of a set whose members are no methods: layers, curves. */
export function lookOf(i: number): Look {
  return {
    colour: `f-hue-${i % HUES}`,
    dash: DASHES[i % DASHES.length],
    marker: MARKERS[(i + Math.floor(i / HUES)) % MARKERS.length],
  }
}

/** The look of each method of a study, by id. Combinations and others take what is left, in their order. */
export function methodLooks(study: Study): Map<string, Look> {
  const looks = new Map<string, Look>()
  let next = 0
  for (const method of study.methods) looks.set(method.id, KNOWN[method.id] ?? other(method, next++))
  return looks
}

/** From the yellow backwards, with markers and dashes that no single method with that colour has. */
function other({ kind }: StudyMethod, i: number): Look {
  if (kind === 'supervised') return { colour: 'f-ink', dash: DASHES[(i + 2) % DASHES.length], marker: 'star' }
  return {
    colour: `f-hue-${(HUES - 1 + i * 3) % HUES}`,
    dash: DASHES[(i * 2) % DASHES.length],
    marker: MARKERS[(MARKERS.length - 2 + i * 3) % MARKERS.length],
  }
}

/** A marker in the colour of what is around it, with a thin rim of the page's. */
export function marker(shape: Marker, x: number, y: number, size = 4.2): Html {
  if (shape === 'circle') return element('circle', { class: 'f-mark', cx: x, cy: y, r: size })
  return element('path', {
    class: 'f-mark',
    transform: `translate(${x.toFixed(1)} ${y.toFixed(1)})`,
    d: path(shape, size),
  })
}

function path(shape: Exclude<Marker, 'circle'>, size: number): string {
  const s = size * 0.9
  const arm = s * 0.38
  const polygon = (points: readonly (readonly [number, number])[]): string =>
    `M${points.map(([x, y]) => `${x.toFixed(1)} ${y.toFixed(1)}`).join('L')}Z`
  const plus: [number, number][] = [
    [-arm, -s],
    [arm, -s],
    [arm, -arm],
    [s, -arm],
    [s, arm],
    [arm, arm],
    [arm, s],
    [-arm, s],
    [-arm, arm],
    [-s, arm],
    [-s, -arm],
    [-arm, -arm],
  ]
  const turned = (points: readonly [number, number][]): [number, number][] =>
    points.map(([x, y]) => [(x - y) * 0.75, (x + y) * 0.75])
  switch (shape) {
    case 'square':
      return polygon([
        [-s, -s],
        [s, -s],
        [s, s],
        [-s, s],
      ])
    case 'triangle':
      return polygon([
        [0, -s * 1.3],
        [s * 1.2, s * 0.85],
        [-s * 1.2, s * 0.85],
      ])
    case 'down':
      return polygon([
        [0, s * 1.3],
        [s * 1.2, -s * 0.85],
        [-s * 1.2, -s * 0.85],
      ])
    case 'diamond':
      return polygon([
        [0, -s * 1.4],
        [s * 1.2, 0],
        [0, s * 1.4],
        [-s * 1.2, 0],
      ])
    case 'plus':
      return polygon(plus.map(([x, y]) => [x * 1.2, y * 1.2]))
    case 'cross':
      return polygon(turned(plus).map(([x, y]) => [x * 1.2, y * 1.2]))
    case 'star':
      return polygon(
        Array.from({ length: 10 }, (_, i) => {
          const radius = i % 2 === 0 ? s * 1.5 : s * 0.65
          return [radius * Math.sin((i * Math.PI) / 5), -radius * Math.cos((i * Math.PI) / 5)] as const
        }),
      )
  }
}
