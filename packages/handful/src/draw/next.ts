/** What a run's outcome suggests to do next, where the run itself has no better idea. */
import { flagOf, shellWord } from '../errors/shell.js'
import { modelChoiceSchema, resolveAugmentation, resolveModel } from '../training/model-options.js'
import { models } from '../models/registry.js'
import { chosenResult, baselinesOf, canJudge } from './summary.js'
import { average } from '../numerics/statistics.js'
import type { RunReport } from './run-report.js'

/** Commands that follow from a report. `run` is the run folder as a word of a command line. */
export function suggestNext(report: RunReport, run: string): RunReport['next'] {
  const next: { command: string; why: string }[] = []
  const again = sameFit(report)
  const chosen = chosenResult(report)
  if (!canJudge(report)) {
    next.push({
      why: 'Label at least 3 images of each class, best among the least certain, and run it again:',
      command: again,
    })
  } else if (chosen !== undefined) {
    const best = baselinesOf(report, chosen).best
    const isGain = best === undefined || average(chosen.accuracies) > average(best.accuracies)
    const minutes = typeof report.config.minutes === 'number' ? report.config.minutes : 3
    next.push({
      why: isGain
        ? 'Longer training usually gives better features:'
        : 'The features do not pay yet; train for longer:',
      command: `${again} --minutes ${minutes * 4}`,
    })
  }
  next.push({ why: 'Classify new images:', command: `handful predict ${run} <images>` })
  return next
}

/** The command of a run with the same images, model and classifier, whose length is left open. */
function sameFit({ config, dataset: { height, channels } }: RunReport): string {
  const source =
    config.folder === undefined ? `--dataset ${shellWord(String(config.dataset))}` : '<your folder>'
  const image = { size: height, channels }
  const choice = modelChoiceSchema.parse(config)
  const { name: augment } = resolveAugmentation(undefined, resolveModel(choice, image))
  // What would be taken anyway is not said.
  const usual = {
    model: 'vae',
    preset: models[choice.model].bestPreset,
    augment,
    head: 'propagation',
    fit: 'cover',
  }
  const flags = Object.entries({ ...usual, size: undefined, labelsPerClass: undefined }).flatMap(
    ([name, value]) => {
      const own = config[name]
      return own === undefined || own === value ? [] : [`${flagOf(name)} ${shellWord(String(own))}`]
    },
  )
  const settings = Object.entries((config.set ?? {}) as Record<string, unknown>).map(([name, value]) => {
    const written = typeof value === 'string' ? value : JSON.stringify(value)
    return `--set ${shellWord(`${name}=${written}`)}`
  })
  return ['handful fit', source, ...flags, ...settings].join(' ')
}
