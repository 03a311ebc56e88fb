/** Self-training in a study: what a draw's training begins with, and what its features make of the test images. */
import { Random } from 'onnx-autodiff'
import {
  leadingWeights,
  reducedSpace,
  type RowsPart,
  weighedSpace,
  withMirrored,
} from '../features/feature-sources.js'
import { headComponents } from '../features/reduce.js'
import { loadReduced } from '../features/space-files.js'
import { fitToTrained, guideBy } from '../heads/guide.js'
import type { Weights } from '../models/model.js'
import { rowRange } from '../numerics/matrix.js'
import type { StageContext } from '../stages/stage.js'
import { selfTraining } from '../training/self-training.js'
import { type BankRecord, RESCALED } from './bank.js'
import type { NetworkDraw, NetworkTraining } from './cells.js'
import type { MethodSpaces } from './leading.js'
import { modelMethod } from './sources.js'
import type { StudyStage } from './study-stage.js'
import type { TrainedRecord } from './training.js'
import type { Workshop } from './workshop.js'

/** What self-training begins with: the trained model, and the features that say what unlabelled images are. */
export interface SelfTrainingNeeds {
  readonly model: StudyStage<TrainedRecord>
  /** All parts alike, then each leading where the labels choose. */
  readonly spaces: MethodSpaces
  /** Features of those of its parts that no model is trained for. */
  readonly beside: readonly StudyStage<BankRecord>[]
}

/** In the space that the labels chose by features which had not seen them, the last features too. */
export async function selfTrainingOf(
  { labels, leading }: NetworkDraw,
  { model, spaces, beside }: SelfTrainingNeeds,
  workshop: Workshop,
  context: StageContext,
): Promise<Pick<NetworkTraining, 'options' | 'start' | 'classify'>> {
  const { data, options } = workshop
  const trained = await workshop.trainedModel(model)
  const given = {
    labels: labels.slice(),
    classCount: data.classNames.length,
    random: new Random(options.seed, 'self-training/guide'),
  }
  const { probabilities } = await guideBy([await workshop.bank(spaces[leading], context)], given)
  return {
    options: selfTraining(trained.model),
    start: { weights: trained.weights, guide: probabilities },
    async classify(learned: Weights) {
      const name = model.method ?? trained.model.name
      const weights = { ...trained.weights, ...learned }
      const method = modelMethod(name, name, options.models[name], () =>
        Promise.resolve({ ...trained, weights }),
      )
      const opened = await method.open(data.images, context)
      const source = workshop.mirror ? withMirrored(opened) : opened
      const { linearAlgebra, signal } = context
      try {
        const normalised = {
          components: options.components ?? headComponents(data.images),
          ...{ whitening: options.whitening, ...RESCALED },
        }
        const parts = await Promise.all(beside.map((bank) => rowsOf(bank, workshop)))
        const { space: alike, reduced } = await reducedSpace(
          source,
          { train: data.images, test: data.test.images },
          { ...normalised, seed: options.seed, beside: parts },
          { linearAlgebra, signal },
        )
        const space =
          leading === 0
            ? alike
            : await weighedSpace(
                reduced,
                { ...normalised, weights: leadingWeights(1 + parts.length, leading - 1) },
                { linearAlgebra, signal },
              )
        if (space.test === undefined)
          throw new Error('internal: selfTrainingOf: got no test rows, expected some')
        return await (await fitToTrained(space, given)).predict(space.test)
      } finally {
        await source.close?.()
      }
    },
  }
}

async function rowsOf(bank: StudyStage<BankRecord>, { store }: Workshop): Promise<RowsPart> {
  const record = await store.result(bank)
  const all = await loadReduced(store.folder, record)
  return {
    name: bank.name,
    train: rowRange(all, 0, record.trainRows),
    test: rowRange(all, record.trainRows, all.rows),
  }
}
