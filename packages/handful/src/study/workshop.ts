/** What the stages of a study share: its folder and options, the data, and one method's features at a time. */
import type { Head } from '../heads/head.js'
import type { Progress } from '../training/progress.js'
import type { PlainObject } from '../runs/run-folder.js'
import { loadTrainedModel, type TrainedModel } from '../runs/trained-model.js'
import type { FeatureSpace } from '../features/feature-space.js'
import { loadSpace } from '../features/space-files.js'
import { type BankRecord, bankSchema } from './bank.js'
import type { StageContext } from './context.js'
import type { Score } from './cells.js'
import { studyHead } from './study-heads.js'
import type { StudyOptions } from './study-options.js'
import type { FeatureMethod } from './sources.js'
import type { Stage } from '../stages/stage.js'
import type { StageStore } from '../stages/stage-store.js'
import type { StudyData } from './study-data.js'
import { runOf, type TrainedRecord, trainedSchema } from './training.js'

export interface WorkshopParts {
  readonly options: StudyOptions
  readonly data: StudyData
  readonly store: StageStore
  readonly progress: Progress
  readonly environment: PlainObject
  /** Methods and heads that the caller brings along. */
  readonly own: readonly FeatureMethod[]
  readonly ownHeads: Readonly<Record<string, () => Head>>
}

export class Workshop {
  readonly options: StudyOptions
  readonly data: StudyData
  readonly store: StageStore
  readonly progress: Progress
  readonly own: readonly FeatureMethod[]
  readonly ownHeads: Readonly<Record<string, () => Head>>
  readonly place: { readonly folder: string; readonly environment: PlainObject }
  /** The only way to the test labels. */
  readonly score: Score
  #shelf: { readonly key: string; readonly space: Promise<FeatureSpace> } | undefined

  constructor({ options, data, store, progress, environment, own, ownHeads }: WorkshopParts) {
    this.options = options
    this.data = data
    this.store = store
    this.progress = progress
    this.own = own
    this.ownHeads = ownHeads
    this.place = { folder: store.folder, environment }
    this.score = (predicted) => data.test.score(predicted).accuracy
  }

  /** The head of a name for so many labelled images. */
  head(name: string, labelled: number): Head {
    return Object.hasOwn(this.ownHeads, name) ? this.ownHeads[name]() : studyHead(name, labelled)
  }

  async bankRecord(stage: Stage): Promise<BankRecord> {
    return bankSchema.parse((await this.store.read(stage))?.result)
  }

  /** A method's features; those of the method before it are let go. */
  async bank(stage: Stage, { linearAlgebra }: Pick<StageContext, 'linearAlgebra'>): Promise<FeatureSpace> {
    if (this.#shelf?.key !== stage.key) {
      const load = async (): Promise<FeatureSpace> =>
        loadSpace(this.store.folder, await this.bankRecord(stage), { linearAlgebra })
      this.#shelf = { key: stage.key, space: load() }
    }
    return this.#shelf.space
  }

  async trainedRecord(stage: Stage): Promise<TrainedRecord> {
    return trainedSchema.parse((await this.store.read(stage))?.result)
  }

  async trainedModel(stage: Stage): Promise<TrainedModel> {
    return loadTrainedModel(runOf(this.store.folder, await this.trainedRecord(stage)))
  }
}
