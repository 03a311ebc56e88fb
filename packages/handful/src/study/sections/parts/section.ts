/** Encoder, decoder or both: for models whose encoder and decoder both give features. */
import { z } from 'zod'
import { contentKey } from '../../../files/content-key.js'
import type { HeadName } from '../../../names.js'
import { featureSeconds } from '../../estimate.js'
import { figureBlock } from '../../report/blocks.js'
import { fitSeconds } from '../../study-heads.js'
import type { StudyStage } from '../../study-stage.js'
import type { TrainedRecord } from '../../training.js'
import { drawsOf, numbersOf } from '../labelled-draws.js'
import { modelNamed } from '../../../models/registry.js'
import { defineSection, type Planning } from '../section-entry.js'
import { compareParts } from './parts.js'
import { partSchema, type StudyPart } from './schema.js'

/** 2: without places in a codebook, whose numbers say nothing by their size. */
const PROTOCOL = 2
const KIND = 'parts'
/** Labels per class that encoder and decoder are compared at, draws of them, and heads, as far as the study has them. */
const LABELS = [2, 4, 8, 16]
const MOST_DRAWS = 5
const HEADS: readonly HeadName[] = ['mlp', 'propagation']

const resultSchema = z.array(partSchema)

export const partsSection = defineSection({
  id: 'encoder-decoder',
  title: 'Encoder, decoder or both',
  files: ['encoder-decoder'],
  fields: { parts: resultSchema.default([]) },
  stages: (planning) => {
    const counts = numbersOf(planning.sizes)
    const compared = counts.filter((size) => LABELS.includes(size))
    const few = compared.length > 0 ? compared : counts.slice(0, 1)
    if (few.length === 0) return []
    return [...planning.models]
      .filter(([name]) => modelNamed(name, planning.workshop.brought.models).hasDecoder)
      .map(([name, model]) => partsStage(name, model, few, planning))
  },
  gather: (finished) => ({ fields: { parts: finished.all(KIND, resultSchema).flat() } }),
  report: async (study) => figureBlock((await import('./parts-figure.js')).partsFigure(study)),
})

function partsStage(
  method: string,
  model: StudyStage<TrainedRecord>,
  few: readonly number[],
  { workshop, draws: asked, scale }: Planning,
): StudyStage<StudyPart[]> {
  const { data, options } = workshop
  const drawing = { draws: Math.min(MOST_DRAWS, asked), seed: options.seed }
  const some = options.heads.filter((head) => HEADS.includes(head))
  const heads = some.length > 0 ? some : options.heads.slice(0, 1)
  const { labels, test } = data.keys
  const settings = { PROTOCOL, kind: KIND, model: model.key, labels, test, few, ...drawing, heads }
  const fits = few.flatMap((size) => heads.map((head) => fitSeconds(head, size * scale.classCount, scale)))
  return {
    kind: KIND,
    name: `encoder and decoder of ${method}`,
    settings,
    key: contentKey(settings),
    needs: [model],
    seconds:
      featureSeconds(method, scale) + 3 * (10 + drawing.draws * fits.reduce((sum, each) => sum + each, 0)),
    group: 'encoder and decoder',
    method,
    schema: resultSchema,
    work: async (context) =>
      compareParts(
        {
          trained: await workshop.trainedModel(model),
          method,
          train: data.images,
          test: data.test,
          classCount: data.classNames.length,
          heads,
          drawsByLabels: few.map((size) => drawsOf(data, size, drawing)),
        },
        context,
      ),
  }
}
