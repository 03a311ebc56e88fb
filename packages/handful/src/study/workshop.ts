/** What the stages of a study share: its folder and options, the data, and one method's features at a time. */
import type { Head } from '../heads/head.js'
import type { OwnHeads } from '../heads/registry.js'
import type { Brought } from '../runs/brought.js'
import type { ModelChoice } from '../training/model-options.js'
import type { Progress } from '../training/progress.js'
import type { PlainObject } from '../runs/run-files.js'
import { loadTrainedModel, type TrainedModel } from '../runs/trained-model.js'
import type { FeatureSpace } from '../features/feature-space.js'
import { loadSpace } from '../features/space-files.js'
import type { EncoderSpace } from '../scores/encoder-space.js'
import type { BankRecord } from './bank.js'
import type { Score } from './cells.js'
import { type DrawFitter, fitDraw } from './draw-fit.js'
import { studyHead } from './study-heads.js'
import type { StudyOptions } from './study-options.js'
import type { StudyFeatures } from './sources.js'
import type { Stage, StageContext } from '../stages/stage.js'
import type { StageStore } from '../stages/stage-store.js'
import type { StudyData } from './study-data.js'
import { runOf, type TrainedRecord } from './training.js'

export interface WorkshopParts {
  readonly options: StudyOptions
  /** Whether features, and probabilities of networks, are means over mirrored images too. */
  readonly mirror: boolean
  readonly data: StudyData
  readonly store: StageStore
  readonly progress: Progress
  readonly environment: PlainObject
  /** Methods that are brought along, and those made elsewhere. */
  readonly own: readonly StudyFeatures[]
  readonly brought: Brought
  /** The contrastive network as the study has it: FixMatch trains its encoder too. */
  readonly contrastive: ModelChoice
  /** A second space for scores of samples, where the study has an encoder made elsewhere. */
  readonly encoder?: EncoderSpace
}

export class Workshop {
  readonly options: StudyOptions
  readonly mirror: boolean
  readonly data: StudyData
  readonly store: StageStore
  readonly progress: Progress
  readonly own: readonly StudyFeatures[]
  /** Heads, models and methods that the caller brings along; `own` has the methods, those made elsewhere among them. */
  readonly brought: Brought
  readonly contrastive: ModelChoice
  readonly encoder: EncoderSpace | undefined
  readonly place: { readonly folder: string; readonly environment: PlainObject }
  /** The only way to the test labels. */
  readonly score: Score
  /** Processes that fit heads of the registry; where there are none, heads are fitted in this one. */
  fitters: readonly DrawFitter[] = []
  readonly #shelf = new Map<string, Promise<FeatureSpace>>()

  constructor({ environment, ...parts }: WorkshopParts) {
    const { options, mirror, data, store, progress, own, brought, contrastive, encoder } = parts
    this.options = options
    this.mirror = mirror
    this.data = data
    this.store = store
    this.progress = progress
    this.own = own
    this.brought = brought
    this.contrastive = contrastive
    this.encoder = encoder
    this.place = { folder: store.folder, environment }
    this.score = (predicted) => data.test.score(predicted)
  }

  get ownHeads(): OwnHeads {
    return this.brought.heads ?? {}
  }

  /** The head of a name for so many labelled images. */
  head(name: string, labelled: number): Head {
    return Object.hasOwn(this.ownHeads, name) ? this.ownHeads[name]() : studyHead(name, labelled)
  }

  /** All heads of the study, the caller's own last. */
  get headNames(): string[] {
    return [...this.options.heads, ...Object.keys(this.ownHeads)]
  }

  /**
   * A method's features; those asked for before are let go.
   * @param beside others that are kept
   */
  async bank(
    stage: Stage<BankRecord>,
    { linearAlgebra }: Pick<StageContext, 'linearAlgebra'>,
    beside: readonly Stage<BankRecord>[] = [],
  ): Promise<FeatureSpace> {
    const kept = new Set([stage, ...beside].map(({ key }) => key))
    for (const key of this.#shelf.keys()) if (!kept.has(key)) this.#shelf.delete(key)
    const load = async (): Promise<FeatureSpace> =>
      loadSpace(this.store.folder, await this.store.result(stage), { linearAlgebra })
    const space = this.#shelf.get(stage.key) ?? load()
    this.#shelf.set(stage.key, space)
    return space
  }

  /** Fits in this process, to any of these features. */
  async fitterHere(stages: readonly Stage<BankRecord>[], context: StageContext): Promise<DrawFitter> {
    const files = await Promise.all(stages.map(async (stage) => (await this.store.result(stage)).file))
    return async (fit) => {
      const stage = stages[files.indexOf(fit.bank.file)]
      const space = await this.bank(stage, context, stages)
      return fitDraw(space, this.head(fit.head, fit.labelled), fit)
    }
  }

  async trainedModel(stage: Stage<TrainedRecord>): Promise<TrainedModel> {
    return loadTrainedModel(runOf(this.store.folder, await this.store.result(stage)), this.brought)
  }
}
