/** The noise level: accuracy over it, and how it is chosen, for models whose features are seen through noise. */
import { contentKey } from '../../../files/content-key.js'
import { figureBlock, heading, text } from '../../report/blocks.js'
import type { StudyStage } from '../../study-stage.js'
import type { TrainedRecord } from '../../training.js'
import { drawsOf, numbersOf } from '../labelled-draws.js'
import { models } from '../../../models/registry.js'
import { defineSection, type Planning } from '../section-entry.js'
import { sweepNoise } from './noise-sweep.js'
import { type StudySweep, sweepSchema } from './schema.js'
import { beforeAfterFigure, sweepFigure, sweepFindings, sweepSurroundings } from './sweep-figure.js'

const PROTOCOL = 1
const KIND = 'sweep'
/** Labels per class that noise levels are compared at, at most, and draws of them. */
const MOST_LABELS = 16
const MOST_DRAWS = 5

export const sweepSection = defineSection({
  id: 'noise-levels',
  title: 'The noise level',
  files: ['noise-levels'],
  fields: { sweep: sweepSchema.optional() },
  stages: (planning) =>
    [...planning.models]
      .filter(([name]) => models[name].hasNoiseLevels)
      .slice(0, 1)
      .map(([name, model]) => sweepStage(name, model, planning)),
  gather: (finished) => ({ fields: { sweep: finished.all(KIND, sweepSchema).at(0) } }),
  report: (study) => {
    const { sweep } = study
    if (sweep === undefined) return []
    const about = sweepSurroundings(study, sweep)
    const findings = sweepFindings(sweep)
    const after = beforeAfterFigure(sweep, about)
    return [
      ...(findings.length > 0 ? [{ kind: 'list', items: findings } as const] : []),
      ...figureBlock(sweepFigure(sweep, about)),
      ...(after === undefined ? [] : [heading('Before and after')]),
      ...figureBlock(after),
      ...(sweep.notes ?? []).map((note) => text(note, true)),
    ]
  },
})

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
