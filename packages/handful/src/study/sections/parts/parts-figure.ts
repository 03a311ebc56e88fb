/** Encoder, decoder and stacked features of each model, small plots side by side. */
import type { Figure } from '../../../draw/figure-frame.js'
import { countChart } from '../../../draw/label-lines.js'
import { legend } from '../../../draw/lines.js'
import type { Look } from '../../../draw/looks.js'
import { drawing, heading, overlay, panelsOf, within } from '../../../draw/plot.js'
import { estimateDraws, headOf, methodTitle, sortedCounts } from '../../results.js'
import type { Study } from '../../result.js'
import type { StudyPart } from './schema.js'

const PARTS: Readonly<Record<StudyPart['part'], Look>> = {
  encoder: { colour: 'f-hue-0', marker: 'circle' },
  decoder: { colour: 'f-hue-1', dash: '8 3', marker: 'triangle' },
  stacked: { colour: 'f-hue-2', dash: '2.5 2.5', marker: 'diamond' },
}
const NAMES = Object.keys(PARTS) as StudyPart['part'][]
const TOP = 44

/** Accuracy over label counts from encoder, decoder and both, a plot for each model and head. */
export function partsFigure(study: Study & { readonly parts: readonly StudyPart[] }): Figure | undefined {
  const keyOf = ({ method, head }: StudyPart): string => `${method}\n${head}`
  const plots = [...new Set(study.parts.map(keyOf))].map((key) =>
    study.parts.filter((one) => keyOf(one) === key),
  )
  if (plots.length === 0) return undefined
  const { panels, width, height } = panelsOf(plots.length, { height: 340, top: TOP })
  const drawn = plots.map((parts, i) => {
    const name = `${methodTitle(study, parts[0].method)}, ${headOf(study, parts[0].head).title}`
    const { chart } = countChart({
      ...panels[i],
      marginTop: 42,
      marginBottom: 52,
      marginLeft: 52,
      marginRight: 24,
      counts: sortedCounts(parts.map(({ labelsPerClass }) => labelsPerClass)),
      chance: 1 / study.dataset.classes.length,
      series: NAMES.map((part) => ({
        name: part,
        look: PARTS[part],
        points: parts
          .filter((one) => one.part === part)
          .sort((a, b) => Number(a.labelsPerClass) - Number(b.labelsPerClass))
          .map(({ accuracies, labelsPerClass }) => ({
            ...estimateDraws(accuracies, study.dataset.testImages),
            count: labelsPerClass,
          })),
      })),
      extra: [
        heading(name, {
          ...within(panels[i].width - 40),
          className: 'f-ink',
          fontWeight: 650,
          dx: -32,
          dy: -18,
        }),
      ],
    })
    return { ...panels[i], chart }
  })
  const shown = NAMES.filter((part) => study.parts.some((one) => one.part === part))
  const { marks } = legend(
    shown.map((part) => ({ name: part, look: PARTS[part] })),
    { left: 20, right: width - 20, top: 22 },
  )
  const title = `${study.dataset.title}: features of encoder, decoder and both`
  return {
    name: 'encoder-decoder',
    title,
    caption:
      'Accuracy on the test images in per cent, with features of the encoder, of the decoder and of both beside each other. Bands: 95 % interval over the draws. The dotted line is guessing.',
    svg: drawing({ title, width, height }, [overlay(width, TOP, marks), ...drawn]),
    width,
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
