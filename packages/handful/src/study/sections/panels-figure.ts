/** Small plots side by side: encoder, decoder and stacked features of each model; the losses of each training. */
import type { Html } from '../../draw/html.js'
import { thin } from '../../training/curve.js'
import { formatTick, LOGARITHMIC_FROM, logarithmicTicks, niceTicks, padded } from '../../draw/charts.js'
import { formatCount } from '../../draw/format.js'
import {
  fitted,
  label,
  labelCountAxis,
  labelCountScale,
  line,
  linear,
  shareAxis,
  shareGrid,
  type Box,
} from '../figures/axes.js'
import { drawing, element, group, number, type Figure } from '../../draw/figure-frame.js'
import { drawSeries, legendRow, type LineSeries } from '../../draw/lines.js'
import { lookOf, type Look } from '../figures/looks.js'
import { estimateDraws, headOf, methodTitle, sortedCounts } from '../results.js'
import type { Study, StudyMethod } from '../result.js'
import type { StudyPart } from './parts/schema.js'

const WIDTH = 860
const GAP = 74

/** Boxes of equal size in rows of at most `across`. */
function panelBoxes(count: number, across: number, height: number, top: number, between = 104): Box[] {
  const columns = Math.min(across, count)
  const width = (WIDTH - 52 - 28 - (columns - 1) * GAP) / columns
  return Array.from({ length: count }, (_, i) => {
    const left = 52 + (i % columns) * (width + GAP)
    const above = top + Math.floor(i / columns) * (height + between)
    return { left, right: left + width, top: above, bottom: above + height }
  })
}

const PARTS: Readonly<Record<StudyPart['part'], Look>> = {
  encoder: { colour: 'f-hue-0', marker: 'circle' },
  decoder: { colour: 'f-hue-1', dash: '8 3', marker: 'triangle' },
  stacked: { colour: 'f-hue-2', dash: '2.5 2.5', marker: 'diamond' },
}

/** Accuracy over label counts from encoder, decoder and both, a plot for each model and head. */
export function partsFigure(study: Study & { readonly parts: readonly StudyPart[] }): Figure | undefined {
  const plots = [...new Set(study.parts.map(({ method, head }) => `${method}\n${head}`))].map((key) => {
    const [method, head] = key.split('\n')
    return { method, head, parts: study.parts.filter((one) => one.method === method && one.head === head) }
  })
  if (plots.length === 0) return undefined
  const height = 250
  const boxes = panelBoxes(plots.length, 2, height, 78)
  const chance = 1 / study.dataset.classes.length
  const drawn = plots.map(({ method, head, parts }, i) => {
    const box = boxes[i]
    const counts = sortedCounts(parts.map(({ labelsPerClass }) => labelsPerClass))
    const x = labelCountScale(counts, { left: box.left + 12, right: box.right - 12 })
    const series = (Object.keys(PARTS) as StudyPart['part'][]).map((part): LineSeries => ({
      name: part,
      look: PARTS[part],
      points: counts.flatMap((count) => {
        const found = parts.find((one) => one.part === part && one.labelsPerClass === count)
        return found === undefined
          ? []
          : [{ ...estimateDraws(found.accuracies, study.dataset.testImages), x: x(count) }]
      }),
    }))
    const values = series.flatMap(({ points }) =>
      points.flatMap(({ mean, low, high }) => [mean, low ?? mean, high ?? mean]),
    )
    const axis = shareAxis([...values, chance], box, 5)
    const name = `${methodTitle(study, method)}, ${headOf(study, head).title}`
    return group({}, [
      label(fitted(name, box.right - box.left + 40), box.left - 32, box.top - 18, 'start', 'f-bold'),
      ...shareGrid(axis, box),
      ...labelCountAxis(counts, x, box),
      line('f-axis', box.left, axis.scale(chance), box.right, axis.scale(chance), '1 3'),
      ...drawSeries(
        series.filter(({ points }) => points.length > 0),
        axis.scale,
      ),
    ])
  })
  const title = `${study.dataset.title}: features of encoder, decoder and both`
  const entries = (Object.keys(PARTS) as StudyPart['part'][])
    .filter((part) => study.parts.some((one) => one.part === part))
    .map((part) => ({ name: part, look: PARTS[part] }))
  return {
    name: 'encoder-decoder',
    title,
    caption:
      'Accuracy on the test images in per cent, with features of the encoder, of the decoder and of both beside each other. Bands: 95 % interval over the draws. The dotted line is guessing.',
    svg: drawing({ title, width: WIDTH, height: (boxes.at(-1)?.bottom ?? 0) + 52 }, [
      ...legendRow(entries, { left: 20, right: WIDTH - 20, top: 26 }).parts,
      ...drawn,
    ]),
    width: WIDTH,
    data: {
      columns: [
        'method',
        'part',
        'layers',
        'dimension',
        'head',
        'labels_per_class',
        'accuracy',
        'low_95',
        'high_95',
        'draws',
      ],
      rows: study.parts.map((one) => {
        const { mean, low, high, draws } = estimateDraws(one.accuracies, study.dataset.testImages)
        return [
          one.method,
          one.part,
          one.layers.join(' '),
          one.dimension,
          one.head,
          one.labelsPerClass,
          mean,
          low,
          high,
          draws,
        ]
      }),
    },
  }
}

type Trained = StudyMethod & { readonly training: NonNullable<StudyMethod['training']> }

/** Losses over steps, a plot for each trained model. */
export function learningFigure(study: Study): Figure | undefined {
  const trained = study.methods.filter(
    (method): method is Trained => method.training !== undefined && curvesOf(method).length > 0,
  )
  if (trained.length === 0) return undefined
  const boxes = panelBoxes(trained.length, 2, 180, 74, 130)
  const title = `${study.dataset.title}: losses over training steps`
  return {
    name: 'learning-curves',
    title,
    caption:
      'Loss over training steps of each model, on its own scale. What still falls at the end would gain from more training.',
    svg: drawing(
      { title, width: WIDTH, height: (boxes.at(-1)?.bottom ?? 0) + 50 },
      trained.map((method, i) => losses(method, boxes[i])),
    ),
    width: WIDTH,
    data: {
      columns: ['method', 'curve', 'step', 'loss'],
      rows: trained.flatMap((method) =>
        curvesOf(method).flatMap(({ name, step, value }) =>
          step.map((at, i) => [method.id, name, at, value[i]]),
        ),
      ),
    },
  }
}

/** Thinned curves with two points at least. */
function curvesOf({
  training,
}: StudyMethod): { name: string; step: readonly number[]; value: readonly number[] }[] {
  return (training?.curves ?? []).map(thin).filter(({ value }) => value.length > 1)
}

function losses(method: Trained, box: Box): Html {
  const curves = curvesOf(method)
  const values = curves.flatMap(({ value }) => value)
  const [smallest, largest] = [Math.min(...values), Math.max(...values)]
  const logarithmic = smallest > 0 && largest / smallest > LOGARITHMIC_FROM
  const transformed = logarithmic ? Math.log10 : (value: number): number => value
  const [low, high] = padded(transformed(smallest), transformed(largest))
  const scale = linear([low, high], [box.bottom, box.top])
  const y = (value: number): number => scale(transformed(value))
  const lastStep = Math.max(...curves.flatMap(({ step }) => step))
  const x = linear([0, lastStep], [box.left, box.right])
  const ticks = logarithmic ? logarithmicTicks(low, high) : niceTicks(low, high, 4)
  const legend = legendRow(
    curves.map(({ name, value }, i) => ({
      name: `${name}: ${formatTick(value[value.length - 1])}`,
      look: lookOf(i),
      unmarked: true,
    })),
    { left: box.left - 32, right: box.right + 20, top: box.top - 20 },
  )
  return group({}, [
    label(method.title, box.left - 32, box.top - 44, 'start', 'f-bold'),
    ...legend.parts,
    ...spaced(ticks, y).flatMap((tick) => [
      line('f-grid', box.left, y(tick), box.right, y(tick)),
      label(formatTick(tick), box.left - 8, y(tick) + 4.5, 'end', 'f-soft'),
    ]),
    line('f-axis', box.left, box.bottom, box.right, box.bottom),
    ...niceTicks(0, lastStep, 4).flatMap((tick) => [
      line('f-axis', x(tick), box.bottom, x(tick), box.bottom + 5),
      label(formatCount(tick), x(tick), box.bottom + 19, 'middle', 'f-soft'),
    ]),
    label(
      logarithmic ? 'steps (loss on a logarithmic scale)' : 'steps',
      (box.left + box.right) / 2,
      box.bottom + 38,
      'middle',
      'f-soft',
    ),
    ...curves.map(({ step, value }, i) => {
      const d = step.map((at, k) => `${k === 0 ? 'M' : 'L'}${number(x(at))} ${number(y(value[k]))}`).join('')
      const { colour, dash } = lookOf(i)
      return group({ class: colour }, [element('path', { class: 'f-line', 'stroke-dasharray': dash, d })])
    }),
  ])
}

/** Ticks whose labels do not touch. */
function spaced(ticks: readonly number[], y: (value: number) => number): number[] {
  let last = Infinity
  return ticks.filter((tick) => {
    if (last - y(tick) < 15) return false
    last = y(tick)
    return true
  })
}
