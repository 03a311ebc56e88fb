/**
 * A section of a study: what it does beyond the cells, what it adds to study.json and how the report shows it. Each is a
 * folder here, its figure in it, and one line of the registry.
 */
import type { z } from 'zod'
import type { BankRecord } from '../bank.js'
import type { Scale } from '../estimate.js'
import type { PlannedMethod } from '../methods.js'
import type { Block } from '../report/blocks.js'
import type { LabelCount, Study } from '../result.js'
import type { StudyStage } from '../study-stage.js'
import type { TrainedRecord } from '../training.js'
import type { Workshop } from '../workshop.js'

/** What a section's stages can build on. */
export interface Planning {
  readonly workshop: Workshop
  readonly methods: readonly PlannedMethod[]
  /** Of each trained model, by its name. */
  readonly models: ReadonlyMap<string, StudyStage<TrainedRecord>>
  /** Of each method's features, by its id. */
  readonly banks: ReadonlyMap<string, StudyStage<BankRecord>>
  /** Draws of the labelled images. */
  readonly draws: number
  readonly sizes: readonly LabelCount[]
  readonly scale: Scale
}

/** What the stages that are done gave. */
export interface Finished {
  /** Of all stages of a kind, in the order of the plan. */
  all<R>(kind: string, schema: z.ZodType<R>): R[]
}

export interface Gathered<Fields> {
  /** Its part of study.json. */
  readonly fields?: Fields
  /** Sentences about what stands in the folder beside the report. */
  readonly notes?: readonly string[]
}

type Plain<Fields extends z.ZodRawShape> = z.output<z.ZodObject<Fields>>

/** `Fields` is what it adds to study.json. */
export interface Section<Fields extends z.ZodRawShape = z.ZodRawShape> {
  /** The anchor on the report's page. */
  readonly id: string
  readonly title: string
  readonly fields: Fields
  /** What the names of its files beside the report begin with. */
  readonly files: readonly string[]
  /** Its work, where it has some of its own; each with the kinds that `gather` asks for. */
  stages?(planning: Planning): StudyStage[]
  gather?(finished: Finished): Gathered<z.input<z.ZodObject<Fields>>>
  /**
   * What the report shows of it; nothing where the study has nothing of it. What draws is loaded here and not before, so
   * that studies begin without it.
   */
  report?(study: Study & Plain<Fields>): Block[] | Promise<Block[]>
}

/** A section that adds fields of its own to study.json, checked against them. */
export const defineSection = <Fields extends z.ZodRawShape = Record<never, never>>(
  section: Omit<Section<Fields>, 'fields' | 'files'> & Partial<Pick<Section<Fields>, 'fields' | 'files'>>,
): Section<Fields> => ({ fields: {} as Fields, files: [], ...section })
