/** Up to which number of labels each method beats a supervised network: a mark, its interval, arrows where it runs out. */
import type { Html } from '../../../draw/html.js'
import { fitted, label, line, linear, textWidth } from '../../figures/axes.js'
import { crossingInWords, roundedCount, type Crossing, type Crossover } from './crossover.js'
import { drawing, element, group, type Figure } from '../../../draw/figure-frame.js'
import { marker, methodLooks, type Look } from '../../figures/looks.js'
import { PUBLISHED_CROSSOVERS, publishedSet } from '../../published.js'
import type { Study } from '../../result.js'

const WIDTH = 820
const ROW = 26
const HEAD = 30
const TOP = 30

/**
 * Undefined without crossovers.
 *
 * @param all with the best head of each cell: these are drawn
 * @param reference with the reference's head: these are in the data only
 */
export function crossoverFigure(
  study: Study,
  all: readonly Crossover[],
  reference: readonly Crossover[],
): Figure | undefined {
  if (all.length === 0) return undefined
  const rivals = [...new Set(all.map(({ rival }) => rival))]
  const looks = methodLooks(study)
  const [smallest, largest] = [
    Math.min(...all.map((one) => one.smallest)),
    Math.max(...all.map((one) => one.largest)),
  ]
  const names = Math.min(300, Math.max(...all.map(({ method }) => textWidth(method.title)))) + 40
  const [left, right] = [names + 34, WIDTH - 200]
  const scale = linear([Math.log(smallest), Math.log(Math.max(largest, smallest * 1.01))], [left, right])
  const x = (size: number): number => scale(Math.log(Math.min(largest, Math.max(smallest, size))))
  const height = TOP + rivals.length * HEAD + (rivals.length - 1) * 12 + all.length * ROW + 52
  const parts: Html[] = []
  let y = TOP
  for (const rival of rivals) {
    if (rival !== rivals[0]) y += 12
    parts.push(label(`ahead of ${rival.title}`, 12, y + 4, 'start', 'f-bold'))
    y += HEAD
    for (const one of all.filter((other) => other.rival === rival)) {
      parts.push(...row(study, one, looks.get(one.method.id), { x, y, right, names }))
      y += ROW
    }
  }
  const bottom = y
  const ticks = ticksOf(smallest, largest).flatMap((tick) => [
    line('f-axis', x(tick), bottom, x(tick), bottom + 5),
    label(String(tick), x(tick), bottom + 19, 'middle', 'f-soft'),
  ])
  const published = publishedOf(study).length > 0
  const title = `${study.dataset.title}: up to how many labels each method is ahead of a supervised network`
  return {
    name: 'crossover',
    title,
    caption: `Labels per class up to which a method's accuracy, with its best head, lies above the network's: interpolated over the logarithm of the count; bars are 95 % bootstrap intervals over the draws. Arrows: further than was measured.${published ? ' Grey rings: what the reference study claims for its own models.' : ''}`,
    width: WIDTH,
    data: {
      columns: [
        'method',
        'rival',
        'heads',
        'ahead_up_to',
        'low_95',
        'high_95',
        'smallest',
        'largest',
        'in_words',
      ],
      rows: [...all, ...reference].map((one) => [
        one.method.id,
        one.rival.id,
        one.heads,
        written(one.at),
        written(one.low),
        written(one.high),
        one.smallest,
        one.largest,
        crossingInWords(one),
      ]),
    },
    svg: drawing({ title, width: WIDTH, height }, [
      line('f-axis', left, bottom, right, bottom),
      ...ticks,
      label('labels per class', (left + right) / 2, bottom + 40, 'middle', 'f-soft'),
      ...parts,
    ]),
  }
}

interface RowPlace {
  readonly x: (size: number) => number
  readonly y: number
  readonly right: number
  readonly names: number
}

function row(study: Study, one: Crossover, look: Look | undefined, { x, y, right, names }: RowPlace): Html[] {
  const { method, low, high } = one
  // What was measured against this rival ends where its own row ends, not at the end of the axis.
  const place = (size: Crossing): number => x(Math.min(one.largest, Math.max(one.smallest, size)))
  const ends = [one.at, low ?? one.at, high ?? one.at]
  const marks = [
    element('line', { class: 'f-line f-bar', x1: place(ends[1]), x2: place(ends[2]), y1: y, y2: y }),
    ...(ends.includes(Infinity) ? [arrow(place(Infinity), y, 1)] : []),
    ...(ends.includes(-Infinity) ? [arrow(place(-Infinity), y, -1)] : []),
    marker(look?.marker ?? 'circle', place(one.at), y),
  ]
  const claims = publishedOf(study).filter(
    (claim) => one.rival.id === 'resnet18' && claim.method === method.id,
  )
  return [
    line('f-grid', place(one.smallest), y, place(one.largest), y),
    ...claims
      .filter(({ labelsPerClass }) => labelsPerClass >= one.smallest && labelsPerClass <= one.largest)
      .map(({ labelsPerClass }) =>
        group({ class: 'f-published' }, [
          element('circle', { class: 'f-ring', cx: x(labelsPerClass), cy: y, r: 5.5 }),
        ]),
      ),
    group({ class: look?.colour }, marks),
    label(fitted(method.title, names - 30), names + 12, y + 4.5, 'end'),
    label(shortWords(one), right + 26, y + 4.5, 'start', 'f-soft'),
  ]
}

/** A head pointing out of the scale. */
function arrow(x: number, y: number, direction: 1 | -1): Html {
  const d = `M${(x + direction * 7).toFixed(1)} ${(y - 5).toFixed(1)}l${direction * 7} 5l${-direction * 7} 5`
  return element('path', { class: 'f-line', d })
}

function shortWords(one: Crossover): string {
  const word = (value: Crossing): string => {
    if (value === Infinity) return `> ${roundedCount(one.largest)}`
    return value === -Infinity ? `< ${roundedCount(one.smallest)}` : roundedCount(value)
  }
  const at = word(one.at)
  if (one.low === undefined || one.high === undefined) return `${at} (one draw)`
  const [low, high] = [word(one.low), word(one.high)]
  return low === high && low === at ? at : `${at}  (${low} to ${high})`
}

function publishedOf(study: Study): typeof PUBLISHED_CROSSOVERS {
  const set = publishedSet(study.dataset.name)
  const shown = new Set(study.methods.map(({ id }) => id))
  return PUBLISHED_CROSSOVERS.filter((claim) => claim.set === set && shown.has(claim.method))
}

/** Powers of two within the range, every second one over a long range. */
function ticksOf(smallest: number, largest: number): number[] {
  const all: number[] = []
  for (let size = 1; size <= largest * 1.0001; size *= 2) if (size >= smallest * 0.9999) all.push(size)
  return all.length > 9 ? all.filter((_, i) => i % 2 === 0) : all
}

function written(value: Crossing | undefined): number | string | undefined {
  if (value === undefined || Number.isFinite(value)) return value
  return value > 0 ? 'beyond' : 'never'
}
