/** What a study trains, and the minutes that each training gets. */
import { MODEL_SHARE } from '../training/self-training.js'
import { trainingShare } from './budget.js'
import type { PlannedMethod } from './methods.js'
import type { StudyOptions } from './study-options.js'
import type { TrainingSettings } from './training.js'

export interface Trainings {
  /** The models to train, the first training of each first. */
  readonly trained: readonly TrainingSettings[]
  readonly fixmatch: StudyOptions['fixmatch']
  readonly selfTraining: StudyOptions['selfTraining']
}

/** What is trained, with the time that each training gets. */
export function trainingOf(
  methods: readonly PlannedMethod[],
  { models, minutesPerModel, seeds, fixmatch, selfTraining }: StudyOptions,
  budgetSeconds: number | undefined,
): Trainings {
  const names = [...new Set(methods.flatMap(({ id, parts }) => (parts.length > 0 ? parts : [id])))].filter(
    (name) => Object.hasOwn(models, name),
  )
  const minutesOf = (name: string): number | undefined => {
    const { run, steps, minutes } = models[name]
    return run === undefined && steps === undefined ? (minutes ?? minutesPerModel) : undefined
  }
  const share = trainingShare(
    names.flatMap((name) => new Array<number>(seeds).fill(minutesOf(name) ?? 0)),
    budgetSeconds,
  )
  const given = (minutes: number | undefined): number | undefined =>
    minutes === undefined ? undefined : Number((minutes * share).toPrecision(3))
  const trained = names.flatMap((model): TrainingSettings[] => {
    const settings = models[model]
    const all = settings.run === undefined ? seeds : 1
    return Array.from({ length: all }, (_, training) => ({
      ...{ model, settings, minutes: given(minutesOf(model)), steps: settings.steps, training },
    }))
  })
  const minutes = names.flatMap((name) => minutesOf(name) ?? [])
  const limited = <O extends { readonly steps?: number; readonly minutes?: number }>(
    own: O,
    usual: number,
  ): O => ({
    ...own,
    minutes: own.steps === undefined ? given(own.minutes ?? usual) : undefined,
  })
  return {
    trained,
    // Neither more minutes nor fewer than the model that is trained longest without labels.
    fixmatch: limited(fixmatch, minutes.length === 0 ? minutesPerModel : Math.max(...minutes)),
    selfTraining: limited(selfTraining, ((1 - MODEL_SHARE) / MODEL_SHARE) * minutesPerModel),
  }
}

/** What to say of models that were trained once where others were trained several times. */
export function singleTrainings(trained: readonly TrainingSettings[], { seeds }: StudyOptions): string[] {
  const given = trained.filter(({ settings }) => settings.run !== undefined).map(({ model }) => model)
  return seeds === 1 || given.length === 0
    ? []
    : [`${given.join(', ')}: given as a run, so with one training where others have ${seeds}`]
}
