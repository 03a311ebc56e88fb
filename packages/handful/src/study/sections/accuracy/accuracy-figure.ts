/** Accuracy over labels per class: each method's line, with the head of headlines or with the reference's. */
import type { DataTable, Figure } from '../../../draw/figure-frame.js'
import { countFigure } from '../../../draw/label-lines.js'
import { PUBLISHED } from '../../../draw/looks.js'
import { methodLooks } from '../method-looks.js'
import { publishedCurve, publishedId, publishedSet } from '../../published.js'
import { type HeadChoice, headlineHead, type HeadResult, measuredCounts, resultWith } from '../../results.js'
import type { LabelCount, Study, StudyMethod } from '../../result.js'

interface MethodLine {
  readonly method: StudyMethod
  readonly results: readonly (readonly [LabelCount, HeadResult])[]
}

/** The figure with one head; undefined where there is nothing to draw. */
export function accuracyFigure(study: Study, heads: HeadChoice): Figure | undefined {
  const counts = measuredCounts(study)
  const lines = study.methods
    .map((method): MethodLine => ({
      method,
      results: counts.flatMap((count) => {
        const result = resultWith(study, method, count, heads)
        return result === undefined ? [] : [[count, result] as const]
      }),
    }))
    .filter(({ results }) => results.length > 0)
  if (lines.length === 0) return undefined
  const looks = methodLooks(study)
  const published = publishedSeries(study, counts)
  const which = heads === 'headline' ? (headlineHead(study)?.title ?? '') : "reference study's head"
  return countFigure({
    name: heads === 'headline' ? 'accuracy-headline-head' : 'accuracy-reference-head',
    title: `${study.dataset.title}: accuracy over labels per class, ${which}`,
    caption: captionOf(heads, study, lines, published.length > 0),
    counts,
    chance: 1 / study.dataset.classes.length,
    data: dataOf(lines, published),
    series: [
      ...lines.map(({ method, results }) => ({
        name: method.title,
        look: looks(method.id),
        points: results.map(([count, { estimate }]) => ({ ...estimate, count })),
      })),
      ...published.map(({ name, points }) => ({
        name,
        look: PUBLISHED,
        points: points.map(([count, mean]) => ({ count, mean })),
      })),
    ],
  })
}

function captionOf(
  heads: HeadChoice,
  study: Study,
  lines: readonly MethodLine[],
  published: boolean,
): string {
  const which =
    heads === 'headline'
      ? `Each method with ${headlineHead(study)?.title ?? 'one head'}, fixed beforehand; a supervised network is its own classifier.`
      : "Each method with the reference study's head; a supervised network is its own classifier."
  const single = lines.some(({ results }) => results.some(([, { estimate }]) => estimate.draws < 2))
  const how = single
    ? 'Bands and bars: 95 % interval over the draws of the labelled images; with a single draw, from the number of test images alone.'
    : 'Bands and bars: 95 % interval over the draws of the labelled images.'
  return `${which} ${how}${published ? ' Thin, dashed: published by the reference study, single runs.' : ''}`
}

interface PublishedLine {
  readonly method: string
  readonly name: string
  readonly points: readonly (readonly [number, number])[]
}

/** Published curves of the study's methods, as far as its own label counts reach. */
function publishedSeries(study: Study, counts: readonly LabelCount[]): PublishedLine[] {
  const set = publishedSet(study.dataset.name)
  const sizes = counts.filter((count) => count !== 'all')
  const [smallest, largest] = [Math.min(...sizes), Math.max(...sizes)]
  return study.methods.flatMap((method) => {
    const curve = publishedCurve(set, publishedId(method))
    const points = (curve?.labelsPerClass ?? []).flatMap((size, i): [number, number][] =>
      size >= smallest && size <= largest ? [[size, (curve?.percent[i] ?? 0) / 100]] : [],
    )
    return points.length === 0 ? [] : [{ method: method.id, name: `${method.title}, published`, points }]
  })
}

function dataOf(lines: readonly MethodLine[], published: readonly PublishedLine[]): DataTable {
  return {
    columns: [
      'method',
      'head',
      'labels_per_class',
      'accuracy',
      'low_95',
      'high_95',
      'draws',
      'trainings',
      'source',
    ],
    rows: [
      ...lines.flatMap(({ method, results }) =>
        results.map(([count, { head, estimate }]) => [
          method.id,
          head.id,
          count,
          estimate.mean,
          estimate.low,
          estimate.high,
          estimate.draws,
          estimate.trainings,
          'measured',
        ]),
      ),
      ...published.flatMap(({ method, points }) =>
        points.map(([count, mean]) => [method, '', count, mean, undefined, undefined, 1, 1, 'published']),
      ),
    ],
  }
}
