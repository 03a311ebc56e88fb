/** The noise level: accuracy over it, and how it is chosen, for models whose features are seen through noise. */
import { contentKey } from '../../../files/content-key.js'
import type { Figure } from '../../../draw/figure-frame.js'
import { type Block, figureBlock, heading, text } from '../../report/blocks.js'
import type { Study } from '../../result.js'
import { methodTitle } from '../../results.js'
import type { StudyStage } from '../../study-stage.js'
import type { TrainedRecord } from '../../training.js'
import { drawsOf, numbersOf } from '../labelled-draws.js'
import { modelNamed } from '../../../models/registry.js'
import { defineSection, type Planning } from '../section-entry.js'
import { sweepNoise } from './noise-sweep.js'
import { type StudySweep, sweepSchema } from './schema.js'
import type * as drawing from './sweep-figure.js'

const PROTOCOL = 1
const KIND = 'sweep'
/** Labels per class that noise levels are compared at, at most, and draws of them. */
const MOST_LABELS = 16
const MOST_DRAWS = 5

export const sweepSection = defineSection({
  id: 'noise-levels',
  title: 'The noise level',
  files: ['noise-levels'],
  fields: {
    sweep: sweepSchema.optional(),
    /** Of other models with noise levels, where a study has several. */
    furtherSweeps: sweepSchema.array().optional(),
  },
  stages: (planning) =>
    [...planning.models]
      .filter(([name]) => modelNamed(name, planning.workshop.brought.models).hasNoiseLevels)
      .map(([name, model]) => sweepStage(name, model, planning)),
  gather: (finished) => {
    const [sweep, ...furtherSweeps] = finished.all(KIND, sweepSchema)
    return { fields: furtherSweeps.length > 0 ? { sweep, furtherSweeps } : { sweep } }
  },
  report: async (study) => {
    const { sweep, furtherSweeps = [] } = study
    if (sweep === undefined) return []
    const drawn = await import('./sweep-figure.js')
    if (furtherSweeps.length === 0) return sweepBlocks(study, sweep, drawn)
    return [sweep, ...furtherSweeps].flatMap((each, i) => [
      heading(methodTitle(study, each.method)),
      ...sweepBlocks(study, each, drawn, i === 0 ? '' : `-${each.method}`),
    ])
  },
})

/** @param suffix of the names of its figures: those of the first model are named as if it were the only one */
function sweepBlocks(study: Study, sweep: StudySweep, drawn: typeof drawing, suffix = ''): Block[] {
  const { beforeAfterFigure, sweepFigure, sweepFindings, sweepSurroundings } = drawn
  const about = sweepSurroundings(study, sweep)
  const named = (figure: Figure | undefined): Figure | undefined =>
    figure && { ...figure, name: `${figure.name}${suffix}` }
  const findings = sweepFindings(sweep)
  const after = named(beforeAfterFigure(sweep, about))
  return [
    ...(findings.length > 0 ? [{ kind: 'list', items: findings } as const] : []),
    ...figureBlock(named(sweepFigure(sweep, about))),
    ...(after === undefined ? [] : [heading('Before and after')]),
    ...figureBlock(after),
    ...(sweep.notes ?? []).map((note) => text(note, true)),
  ]
}

function sweepStage(
  method: string,
  model: StudyStage<TrainedRecord>,
  { workshop, sizes, draws: asked, scale }: Planning,
): StudyStage<StudySweep> {
  const { data, options } = workshop
  const few = numbersOf(sizes).filter((size) => size <= MOST_LABELS)
  const drawing = { draws: Math.min(MOST_DRAWS, asked), seed: options.seed }
  const { labels, test } = data.keys
  const settings = { PROTOCOL, kind: KIND, model: model.key, labels, test, few, ...drawing }
  return {
    kind: KIND,
    name: `noise levels of ${method}`,
    settings,
    key: contentKey(settings),
    needs: [model],
    seconds: 60 + 9 * 20 * (scale.size / 32) ** 2,
    group: 'noise levels',
    method,
    schema: sweepSchema,
    work: async (context) =>
      sweepNoise(
        {
          trained: await workshop.trainedModel(model),
          method,
          train: data.images,
          test: data.test,
          classCount: data.classNames.length,
          ...drawsOf(data, Math.max(...few, 1), drawing),
          beforeAfter: few.map((size) => drawsOf(data, size, drawing)),
        },
        context,
      ),
  }
}
