/**
 * The noise-level sweep: accuracy over the noise level for each layer, what each way of choosing takes, the criteria they
 * go by, and one image at these levels. Levels stand evenly spaced, so that the pictures fit under them.
 */
import * as Plot from '@observablehq/plot'
import { average } from '../../../numerics/statistics.js'
import type { Figure } from '../../../draw/figure-frame.js'
import { countFigure, type CountSeries } from '../../../draw/label-lines.js'
import { endNames, endWidth, seriesMarks, shareScale, TICKS, type LineSeries } from '../../../draw/lines.js'
import { lookOf } from '../../../draw/looks.js'
import {
  baseAxis,
  chart,
  drawing,
  guessing,
  HALO,
  heading,
  SOFT,
  textWidth,
  valueAxis,
  type Marks,
  type Placed,
} from '../../../draw/plot.js'
import { estimateDraws, methodTitle } from '../../results.js'
import type { StudySweep } from './schema.js'

const WIDTH = 860
const LEFT = 58
const TOP = 92
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

type Quantity = Omit<LineSeries['points'][number], 'x'>

export function sweepFigure(sweep: StudySweep, about: SweepSurroundings): Figure | undefined {
  if (sweep.points.length === 0) return undefined
  const levels = [...new Set(sweep.points.map(({ noiseLevel }) => noiseLevel))].sort((a, b) => a - b)
  const tested = sweep.points.some(({ accuracies }) => accuracies.length > 0)
  const validated = ({ crossValidated }: Point): Quantity | undefined =>
    crossValidated.length === 0 ? undefined : { mean: average(crossValidated) }
  // Without a test set the criterion that needs the labelled images alone takes the accuracies' place.
  const quantity = (point: Point): Quantity | undefined => {
    if (!tested) return validated(point)
    return point.accuracies.length === 0 ? undefined : estimateDraws(point.accuracies, about.testImages)
  }
  const main = layerSeries(sweep, levels, quantity)
  const plot = { sweep, levels, right: Math.max(110, endWidth(main)) }
  const criteria = [
    ...(tested ? [{ title: VALIDATED, series: layerSeries(sweep, levels, validated) }] : []),
    {
      title: 'agreement of neighbours under augmentation (no labels at all)',
      series: layerSeries(sweep, levels, ({ labelFree }) =>
        labelFree === undefined ? undefined : { mean: labelFree },
      ),
    },
  ].filter(({ series }) => series.some(({ points }) => points.length > 0))
  const { parts, height: top } = mainChart(main, plot, tested ? 1 / about.classCount : undefined)
  const height = 34 + CRITERION + 22
  const title = `${about.dataset}: accuracy over the noise level of ${about.method}, ${sweep.labelsPerClass} labels per class`
  return {
    name: 'noise-levels',
    title,
    caption: `Features of each layer at each noise level, ${about.head}, ${sweep.labelsPerClass} labels per class; bands and bars: 95 % interval over the draws. Accuracies are for looking at: the marked settings were chosen by the criteria underneath, which see no test labels. Below, one image at these levels.`,
    svg: drawing({ title, width: WIDTH, height: top + criteria.length * height }, [
      ...parts,
      ...criteria.map((one, i) => ({ chart: criterionChart(one, plot, height), top: top + i * height })),
    ]),
    width: WIDTH,
    data: sweepData(sweep, about),
  }
}

interface SweepPlot {
  readonly sweep: StudySweep
  readonly levels: readonly number[]
  /** Margin for the layers' names. */
  readonly right: number
}

/** A line for each layer over the levels where it has a value. */
function layerSeries(
  { points }: StudySweep,
  levels: readonly number[],
  value: (point: Point) => Quantity | undefined,
): LineSeries[] {
  return [...new Set(points.map(({ layer }) => layer))].map((layer, i) => ({
    name: layer,
    look: lookOf(i),
    points: levels.flatMap((x) => {
      const point = points.findLast((one) => one.layer === layer && one.noiseLevel === x)
      const drawn = point === undefined ? undefined : value(point)
      return drawn === undefined ? [] : [{ ...drawn, x }]
    }),
  }))
}

/** Accuracies, what was chosen and one image at each level; with the criterion's values where `chance` is undefined. */
function mainChart(
  series: readonly LineSeries[],
  { sweep, levels, right }: SweepPlot,
  chance: number | undefined,
): { readonly parts: readonly Placed[]; readonly height: number } {
  const each = (WIDTH - LEFT - right) / levels.length
  const pictures = sweep.pictures.filter(({ noiseLevel }) => levels.includes(noiseLevel))
  const side = pictures.length === 0 ? 0 : Math.min(56, each - 6)
  const marginBottom = 66 + side
  const area = {
    width: WIDTH,
    height: TOP + MAIN + marginBottom,
    marginTop: TOP,
    marginRight: right,
    marginBottom,
  }
  const chosen = sweep.chosen.flatMap(({ layer, noiseLevel }) =>
    series
      .filter(({ name }) => name === layer)
      .flatMap(({ points }) => points.filter(({ x }) => x === noiseLevel)),
  )
  const drawn = chart({
    ...area,
    marginLeft: LEFT,
    x: { type: 'point', domain: levels, padding: 0.5 },
    y: chance === undefined ? { inset: 8 } : shareScale(series, chance),
    marks: [
      ...valueAxis({ ticks: TICKS }),
      heading(chance === undefined ? VALIDATED : 'accuracy on the test images, %', {
        ...SOFT,
        dx: 18 - LEFT,
        dy: 24 - TOP,
      }),
      ...(chance === undefined ? [] : [guessing(chance), guessingText(chance, each)]),
      ...choices(sweep, levels, each),
      ...seriesMarks(series),
      Plot.dot(chosen, {
        x: 'x',
        y: 'mean',
        r: 8.5,
        className: 'f-ink',
        stroke: 'currentColor',
        strokeWidth: 2,
      }),
      Plot.image(pictures, {
        x: 'noiseLevel',
        src: 'image',
        frameAnchor: 'bottom',
        dy: 30 + side / 2,
        width: side,
        height: side,
        imageRendering: 'pixelated',
      }),
      ...baseAxis({
        ticks: levels,
        title: 'noise level t, of 1000 (levels evenly spaced)',
        offset: 48 + side,
      }),
    ],
  })
  return { parts: [{ chart: drawn }, endNames(drawn, series, area)], height: area.height }
}

function guessingText(chance: number, dx: number): Plot.Markish {
  return Plot.text(['guessing'], { ...SOFT, fontSize: 11, frameAnchor: 'left', y: [chance], dx, dy: -9 })
}

const BY = { 'cross-validation': 'cross-validation', 'label-free': 'without labels' } as const

/** Upright lines at what was chosen and at what was fixed badly, named above the plot a row each. */
function choices(sweep: StudySweep, levels: readonly number[], each: number, named = true): Marks {
  return choicesOf(sweep)
    .filter(({ noiseLevel }) => levels.includes(noiseLevel))
    .flatMap(({ text, noiseLevel, dash }, row) => {
      const fits = (levels.indexOf(noiseLevel) + 0.5) * each > textWidth(text, 12) - 30
      const name = {
        fontSize: 12,
        textAnchor: fits ? 'end' : 'start',
        dx: fits ? 3 : -3,
        dy: -12 - row * 16,
      } as const
      const at = { x: [noiseLevel], className: 'f-ink' }
      return [
        Plot.ruleX([noiseLevel], { ...at, strokeDasharray: dash, insetTop: named ? -4 - row * 16 : 0 }),
        ...(named
          ? [Plot.text([text], { ...at, ...HALO, ...name, className: 'f-ink f-rim', frameAnchor: 'top' })]
          : []),
      ]
    })
}

function choicesOf({ chosen, fixedBadly }: StudySweep): { text: string; noiseLevel: number; dash: string }[] {
  const fixed =
    fixedBadly === undefined
      ? []
      : [
          {
            text: `fixed badly: t = ${fixedBadly.noiseLevel}`,
            noiseLevel: fixedBadly.noiseLevel,
            dash: '1 3',
          },
        ]
  return [
    ...chosen.map(({ by, layer, noiseLevel }) => ({
      text: `${BY[by]}: t = ${noiseLevel}, ${layer}`,
      noiseLevel,
      dash: '5 3',
    })),
    ...fixed,
  ].sort((a, b) => a.noiseLevel - b.noiseLevel)
}

function criterionChart(
  { title, series }: { readonly title: string; readonly series: readonly LineSeries[] },
  { sweep, levels, right }: SweepPlot,
  height: number,
): Placed['chart'] {
  return chart({
    width: WIDTH,
    height,
    marginLeft: LEFT,
    marginRight: right,
    marginTop: 34,
    marginBottom: 22,
    x: { type: 'point', domain: levels, padding: 0.5 },
    y: { inset: 8 },
    marks: [
      ...valueAxis({ ticks: 3, title }),
      ...choices(sweep, levels, 0, false),
      ...baseAxis({ ticks: levels, text: false }),
      ...seriesMarks(series),
    ],
  })
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
  const setting = (which: 'before' | 'after'): CountSeries => ({
    name: names[which],
    look:
      which === 'after'
        ? { colour: 'f-hue-0', marker: 'circle' }
        : { colour: 'f-soft', dash: '8 3', marker: 'square' },
    points: rows.map((row) => ({
      ...estimateDraws(row[which], about.testImages),
      count: row.labelsPerClass,
    })),
  })
  return countFigure({
    name: 'noise-levels-before-after',
    title: `${about.dataset}: ${about.method} before and after choosing the noise level`,
    caption: `The same model and head (${about.head}) at a badly fixed noise level and at the one chosen ${pick?.by === 'label-free' ? 'without labels' : 'by cross-validation'}; bands: 95 % interval over the draws.`,
    counts: rows.map(({ labelsPerClass }) => labelsPerClass),
    chance: 1 / about.classCount,
    height: 340,
    series: [setting('after'), setting('before')],
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
