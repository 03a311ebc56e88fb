/**
 * The noise-level sweep: accuracy over the noise level for each layer, what each way of choosing takes, the criteria they
 * go by, and one image at these levels. Levels stand evenly spaced, so that the pictures fit under them.
 */
import type { Html } from '../../../draw/html.js'
import { niceTicks, padded } from '../../../draw/charts.js'
import { average } from '../../../numerics/statistics.js'
import { linesFigure } from '../accuracy/accuracy-figure.js'
import {
  label,
  line,
  linear,
  shareAxis,
  shareGrid,
  textWidth,
  type Box,
  type Scale,
} from '../../figures/axes.js'
import { drawing, element, group, type Figure } from '../../../draw/figure-frame.js'
import { drawSeries, endLabels, endLabelWidth, type LineSeries } from '../../../draw/lines.js'
import { lookOf } from '../../figures/looks.js'
import { estimateDraws, methodTitle } from '../../results.js'
import type { LabelCount } from '../../result.js'
import type { StudySweep } from './schema.js'

const WIDTH = 860
const MAIN = 300
const CRITERION = 120
const VALIDATED = 'cross-validated mean log-likelihood of left-out labels (labelled images only)'

/** What the figure has to know beside the sweep itself. */
export interface SweepSurroundings {
  readonly dataset: string
  /** Of the diffusion model. */
  readonly method: string
  readonly head: string
  readonly testImages: number
  readonly classCount: number
}

type Point = StudySweep['points'][number]

export function sweepFigure(sweep: StudySweep, about: SweepSurroundings): Figure | undefined {
  if (sweep.points.length === 0) return undefined
  const layers = [...new Set(sweep.points.map(({ layer }) => layer))]
  const levels = [...new Set(sweep.points.map(({ noiseLevel }) => noiseLevel))].sort((a, b) => a - b)
  const at = new Map(sweep.points.map((point) => [`${point.layer}/${point.noiseLevel}`, point]))
  const seriesOf = (
    x: Scale,
    value: (point: Point) => Omit<LineSeries['points'][number], 'x'> | undefined,
  ): LineSeries[] =>
    layers.map((layer, i) => ({
      name: layer,
      look: lookOf(i),
      points: levels.flatMap((level) => {
        const point = at.get(`${layer}/${level}`)
        const drawn = point === undefined ? undefined : value(point)
        return drawn === undefined ? [] : [{ ...drawn, x: x(level) }]
      }),
    }))
  const tested = sweep.points.some(({ accuracies }) => accuracies.length > 0)
  // Without a test set the criterion that needs the labelled images alone takes the accuracies' place.
  const quantity = (point: Point): Omit<LineSeries['points'][number], 'x'> | undefined => {
    const { accuracies, crossValidated } = point
    if (tested) return accuracies.length === 0 ? undefined : estimateDraws(accuracies, about.testImages)
    return crossValidated.length === 0 ? undefined : { mean: average(crossValidated) }
  }
  const labels = Math.max(110, endLabelWidth(seriesOf(() => 0, quantity)))
  const box: Box = { left: 58, right: WIDTH - labels, top: 92, bottom: 92 + MAIN }
  const x = levelScale(levels, box)
  const main = seriesOf(x, quantity)
  const { parts: axis, y } = tested
    ? accuracyAxis(main, box, (x(levels[0]) + x(levels[Math.min(1, levels.length - 1)])) / 2, about)
    : valueAxis(main, box, 5)
  const parts: Html[] = [
    ...axis,
    label(tested ? 'accuracy on the test images, %' : VALIDATED, 18, 22, 'start', 'f-soft'),
    ...choices(sweep, x, levels, box),
    ...drawSeries(main, y),
    ...rings(sweep, at, x, (point) => quantity(point)?.mean, y),
    ...endLabels(main, y, box, labels),
    ...levelAxis(levels, x, box),
  ]
  let bottom = box.bottom + 26
  const pictures = picturesUnder(sweep, levels, x, box, bottom)
  parts.push(...pictures.parts)
  bottom += pictures.height
  parts.push(
    label(
      'noise level t, of 1000 (levels evenly spaced)',
      (box.left + box.right) / 2,
      bottom + 16,
      'middle',
      'f-soft',
    ),
  )
  bottom += 30
  const criteria = [
    {
      title: VALIDATED,
      series: seriesOf(x, ({ crossValidated }) =>
        !tested || crossValidated.length === 0 ? undefined : { mean: average(crossValidated) },
      ),
    },
    {
      title: 'agreement of neighbours under augmentation (no labels at all)',
      series: seriesOf(x, ({ labelFree }) => (labelFree === undefined ? undefined : { mean: labelFree })),
    },
  ].filter(({ series }) => series.some(({ points }) => points.length > 0))
  for (const { title, series } of criteria) {
    const panel: Box = { left: box.left, right: box.right, top: bottom + 34, bottom: bottom + 34 + CRITERION }
    parts.push(...criterionPanel(title, series, sweep, x, panel, levels))
    bottom = panel.bottom + 22
  }
  const title = `${about.dataset}: accuracy over the noise level of ${about.method}, ${sweep.labelsPerClass} labels per class`
  return {
    name: 'noise-levels',
    title,
    caption: `Features of each layer at each noise level, ${about.head}, ${sweep.labelsPerClass} labels per class; bands and bars: 95 % interval over the draws. Accuracies are for looking at: the marked settings were chosen by the criteria underneath, which see no test labels. Below, one image at these levels.`,
    svg: drawing({ title, width: WIDTH, height: bottom }, parts),
    width: WIDTH,
    data: sweepData(sweep, about),
  }
}

function accuracyAxis(
  series: readonly LineSeries[],
  box: Box,
  beside: number,
  { classCount }: SweepSurroundings,
): { readonly parts: Html[]; readonly y: Scale } {
  const chance = 1 / classCount
  const values = series.flatMap(({ points }) =>
    points.flatMap(({ mean, low, high }) => [mean, low ?? mean, high ?? mean]),
  )
  const axis = shareAxis([...values, chance], box)
  const level = axis.scale(chance)
  const parts = [
    ...shareGrid(axis, box),
    line('f-axis', box.left, level, box.right, level, '1 3'),
    label('guessing', beside, level - 5, 'middle', 'f-soft f-small'),
  ]
  return { parts, y: axis.scale }
}

function valueAxis(
  series: readonly LineSeries[],
  { left, right, top, bottom }: Box,
  about: number,
): { readonly parts: Html[]; readonly y: Scale } {
  const values = series.flatMap(({ points }) => points.map(({ mean }) => mean))
  const [low, high] = padded(Math.min(...values), Math.max(...values))
  const y = linear([low, high], [bottom, top])
  const parts = niceTicks(low, high, about).flatMap((tick) => [
    line('f-grid', left, y(tick), right, y(tick)),
    label(String(Number(tick.toPrecision(4))).replace('-', '−'), left - 8, y(tick) + 4.5, 'end', 'f-soft'),
  ])
  return { parts, y }
}

function levelScale(levels: readonly number[], { left, right }: Box): Scale {
  const margin = Math.min(34, (right - left) / (2 * levels.length))
  const scale = linear([0, Math.max(1, levels.length - 1)], [left + margin, right - margin])
  return (level) => (levels.length === 1 ? (left + right) / 2 : scale(levels.indexOf(level)))
}

function levelAxis(levels: readonly number[], x: Scale, { left, right, bottom }: Box, titles = true): Html[] {
  return [
    line('f-axis', left, bottom, right, bottom),
    ...levels.flatMap((level) => [
      line('f-axis', x(level), bottom, x(level), bottom + 5),
      ...(titles ? [label(String(level), x(level), bottom + 19, 'middle', 'f-soft')] : []),
    ]),
  ]
}

const BY = { 'cross-validation': 'cross-validation', 'label-free': 'without labels' } as const

/** Upright lines at what was chosen and at what was fixed badly, named above the plot a row each. */
function choices(sweep: StudySweep, x: Scale, levels: readonly number[], { left, top, bottom }: Box): Html[] {
  const marks = marksOf(sweep).filter(({ noiseLevel }) => levels.includes(noiseLevel))
  const rows = marks.map((mark, row) => ({ ...mark, at: x(mark.noiseLevel), y: top - 8 - row * 16 }))
  return [
    ...rows.map(({ at, y, dash }) =>
      group({ class: 'f-ink' }, [line('f-rule', at, y + 4, at, bottom, dash)]),
    ),
    ...rows.map(({ text, at, y }) => {
      const fits = at - textWidth(text, 12) > left - 30
      return label(text, fits ? at + 3 : at - 3, y, fits ? 'end' : 'start', 'f-note')
    }),
  ]
}

function marksOf({ chosen, fixedBadly }: StudySweep): { text: string; noiseLevel: number; dash: string }[] {
  return [
    ...chosen.map(({ by, layer, noiseLevel }) => ({
      text: `${BY[by]}: t = ${noiseLevel}, ${layer}`,
      noiseLevel,
      dash: '5 3',
    })),
    ...(fixedBadly === undefined
      ? []
      : [
          {
            text: `fixed badly: t = ${fixedBadly.noiseLevel}`,
            noiseLevel: fixedBadly.noiseLevel,
            dash: '1 3',
          },
        ]),
  ].sort((a, b) => a.noiseLevel - b.noiseLevel)
}

function rings(
  sweep: StudySweep,
  at: ReadonlyMap<string, Point>,
  x: Scale,
  value: (point: Point) => number | undefined,
  y: Scale,
): Html[] {
  return sweep.chosen.flatMap(({ layer, noiseLevel }) => {
    const point = at.get(`${layer}/${noiseLevel}`)
    const mean = point === undefined ? undefined : value(point)
    if (mean === undefined) return []
    return [
      group({ class: 'f-ink' }, [
        element('circle', { class: 'f-ring', cx: x(noiseLevel), cy: y(mean), r: 8.5 }),
      ]),
    ]
  })
}

function picturesUnder(
  { pictures }: StudySweep,
  levels: readonly number[],
  x: Scale,
  box: Box,
  top: number,
): { readonly parts: Html[]; readonly height: number } {
  const shown = pictures.filter(({ noiseLevel }) => levels.includes(noiseLevel))
  if (shown.length === 0) return { parts: [], height: 0 }
  const side = Math.min(56, (box.right - box.left) / levels.length - 6)
  const parts = shown.map(({ noiseLevel, image }) =>
    element('image', {
      href: image,
      x: x(noiseLevel) - side / 2,
      y: top + 2,
      width: side,
      height: side,
      style: 'image-rendering:pixelated',
    }),
  )
  return { parts, height: side + 8 }
}

function criterionPanel(
  title: string,
  series: readonly LineSeries[],
  sweep: StudySweep,
  x: Scale,
  box: Box,
  levels: readonly number[],
): Html[] {
  const { parts: grid, y } = valueAxis(series, box, 3)
  const rules = marksOf(sweep)
    .filter(({ noiseLevel }) => levels.includes(noiseLevel))
    .map(({ noiseLevel, dash }) =>
      group({ class: 'f-ink' }, [line('f-rule', x(noiseLevel), box.top, x(noiseLevel), box.bottom, dash)]),
    )
  return [
    label(title, box.left - 8 - 24, box.top - 12, 'start', 'f-soft'),
    ...grid,
    ...rules,
    ...levelAxis(levels, x, box, false),
    ...drawSeries(series, y),
  ]
}

function sweepData(sweep: StudySweep, { testImages }: SweepSurroundings): Figure['data'] {
  const chosenBy = ({ layer, noiseLevel }: Point): string =>
    sweep.chosen
      .filter((choice) => choice.layer === layer && choice.noiseLevel === noiseLevel)
      .map(({ by }) => by)
      .join(' ')
  return {
    columns: [
      'layer',
      'noise_level',
      'accuracy',
      'low_95',
      'high_95',
      'draws',
      'cross_validated',
      'label_free',
      'chosen_by',
    ],
    rows: sweep.points.map((point) => {
      const tested = point.accuracies.length === 0 ? undefined : estimateDraws(point.accuracies, testImages)
      const validated = point.crossValidated.length === 0 ? undefined : average(point.crossValidated)
      return [
        point.layer,
        point.noiseLevel,
        tested?.mean,
        tested?.low,
        tested?.high,
        point.accuracies.length,
        validated,
        point.labelFree,
        chosenBy(point),
      ]
    }),
  }
}

/** Accuracy over label counts at the badly fixed and at the chosen setting. */
export function beforeAfterFigure(sweep: StudySweep, about: SweepSurroundings): Figure | undefined {
  const { beforeAfter, fixedBadly, chosen } = sweep
  const rows = beforeAfter.filter(({ before, after }) => before.length > 0 && after.length > 0)
  if (rows.length === 0) return undefined
  const pick = chosen.at(0)
  const names = {
    before: fixedBadly === undefined ? 'fixed badly' : `fixed at t = ${fixedBadly.noiseLevel}`,
    after: pick === undefined ? 'chosen' : `chosen: t = ${pick.noiseLevel}`,
  }
  const setting = (which: 'before' | 'after', x: (count: LabelCount) => number): LineSeries => ({
    name: names[which],
    look:
      which === 'after'
        ? { colour: 'f-hue-0', marker: 'circle' }
        : { colour: 'f-grey', dash: '8 3', marker: 'square' },
    points: rows.map((row) => ({ ...estimateDraws(row[which], about.testImages), x: x(row.labelsPerClass) })),
  })
  return linesFigure({
    name: 'noise-levels-before-after',
    title: `${about.dataset}: ${about.method} before and after choosing the noise level`,
    caption: `The same model and head (${about.head}) at a badly fixed noise level and at the one chosen ${pick?.by === 'label-free' ? 'without labels' : 'by cross-validation'}; bands: 95 % interval over the draws.`,
    counts: rows.map(({ labelsPerClass }) => labelsPerClass),
    chance: 1 / about.classCount,
    height: 340,
    series: (x) => [setting('after', x), setting('before', x)],
    data: {
      columns: ['setting', 'labels_per_class', 'accuracy', 'low_95', 'high_95', 'draws'],
      rows: (['before', 'after'] as const).flatMap((which) =>
        rows.map((row) => {
          const { mean, low, high, draws } = estimateDraws(row[which], about.testImages)
          return [which, row.labelsPerClass, mean, low, high, draws]
        }),
      ),
    },
  })
}

/** The settings in words: what was chosen, and what it costs against the best point of the sweep. */
export function sweepFindings(sweep: StudySweep): string[] {
  const mean = ({ accuracies }: Pick<Point, 'accuracies'>): number => average(accuracies)
  const percent = (share: number): string => `${(share * 100).toFixed(1)} %`
  const tested = sweep.points.filter(({ accuracies }) => accuracies.length > 0)
  const best = tested.length === 0 ? undefined : tested.reduce((a, b) => (mean(b) > mean(a) ? b : a))
  const chosen = sweep.chosen.map(({ by, layer, noiseLevel }) => {
    const point = tested.find((one) => one.layer === layer && one.noiseLevel === noiseLevel)
    const how =
      by === 'cross-validation' ? 'Cross-validation on the labelled images' : 'The criterion without labels'
    const takes = `${how} takes t = ${noiseLevel} in layer ${layer}`
    if (point === undefined || best === undefined) return `${takes}.`
    const less = ((mean(best) - mean(point)) * 100).toFixed(1)
    return `${takes}: ${percent(mean(point))}, ${less} points below the best point of the sweep.`
  })
  const { together } = sweep
  return [
    ...chosen,
    ...(best === undefined
      ? []
      : [
          `The best point, seen only afterwards on the test images: t = ${best.noiseLevel} in layer ${best.layer}, ${percent(mean(best))}.`,
        ]),
    ...(together === undefined || together.accuracies.length === 0
      ? []
      : [
          `Without choosing, layers ${together.layers.join(' and ')} at t = ${together.noiseLevels.join(' and ')} beside each other: ${percent(mean(together))}.`,
        ]),
  ]
}

/** What the figures of a study's sweep need to know. */
export function sweepSurroundings(
  study: Parameters<typeof methodTitle>[0],
  sweep: StudySweep,
): SweepSurroundings {
  return {
    dataset: study.dataset.title,
    method: methodTitle(study, sweep.method),
    head: study.heads.find(({ id }) => id === sweep.head)?.title ?? sweep.head,
    testImages: study.dataset.testImages,
    classCount: study.dataset.classes.length,
  }
}
