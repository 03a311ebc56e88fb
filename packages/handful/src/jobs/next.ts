/** What a run's outcome suggests to do next, where the run itself has no better idea. */
import { z } from 'zod'
import { flagOf, shellWord } from '../errors/shell.js'
import { baselinesOf, canJudge, chosenResult } from '../draw/summary.js'
import type { RunReport } from '../draw/run-report.js'
import { average } from '../numerics/statistics.js'
import { currentPreset } from '../names.js'
import { modelNamed, type OwnModels } from '../models/registry.js'
import { type Brought, pluginsField } from '../runs/brought.js'
import { modelChoiceSchema, resolveAugmentation, resolveModel } from '../training/model-options.js'
import type { ImageShape } from '../models/model.js'
import { DEFAULT_MINUTES, DEFAULT_NETWORK, fitOptionsSchema, NO_MODEL } from './fit/fit-options.js'

/** Commands that follow from a report. `run` is the run folder as a word of a command line. */
export function suggestNext(report: RunReport, run: string, brought: Brought = {}): RunReport['next'] {
  const next: { command: string; why: string }[] = []
  const again = sameFit(report, brought)
  const chosen = chosenResult(report)
  if (!canJudge(report)) {
    next.push({
      why: 'Label at least 3 images of each class, best among the least certain, and run it again:',
      command: again,
    })
  } else if (chosen !== undefined) {
    const best = baselinesOf(report, chosen).best
    const isGain = best === undefined || average(chosen.accuracies) > average(best.accuracies)
    const minutes = typeof report.config.minutes === 'number' ? report.config.minutes : DEFAULT_MINUTES
    // Without a model there is nothing to train for longer.
    if (report.training !== undefined)
      next.push({
        why:
          report.config.method !== undefined
            ? 'Longer training usually makes the network better:'
            : isGain
              ? 'Longer training usually gives better features:'
              : 'The features do not pay yet; train for longer:',
        command: `${again} --minutes ${minutes * 4}`,
      })
  }
  next.push({ why: 'Classify new images:', command: `handful predict ${run} <images>` })
  return next
}

/** What a suggested command says in words of its own, leaves open, or leaves to the machine. */
const UNSAID = ['plugins', 'folder', 'dataset', 'set', 'minutes', 'steps', 'threads']

/** What depends on the model, as `fit` would take it anyway. */
function usualOf(config: RunReport['config'], image: ImageShape, models?: OwnModels): object {
  if (config.method === 'fixmatch') return { draws: 1, network: DEFAULT_NETWORK }
  const draws = config.method === undefined ? {} : { draws: 1 }
  if (config.model === NO_MODEL) return { patches: 0 }
  const choice = modelChoiceSchema.parse(config)
  const { name: augment } = resolveAugmentation(undefined, resolveModel(choice, image, models))
  return { ...draws, preset: modelNamed(choice.model, models).bestPreset, augment }
}

/** The command of a run: its source and each option that is not what `fit` would take anyway; its length is left open. */
function sameFit({ config, dataset: { height, channels } }: RunReport, { models }: Brought): string {
  const { folder, dataset, set = {} } = config
  const source = folder === undefined ? `--dataset ${shellWord(String(dataset))}` : '<your folder>'
  const image: ImageShape = { size: height, channels }
  const defaults = fitOptionsSchema.parse({ folder, dataset, threads: 1 })
  const size = folder === undefined ? undefined : 'auto'
  const usual = new Map<string, unknown>(
    Object.entries({ ...defaults, size, ...usualOf(config, image, models) }),
  )
  const flags = Object.keys(fitOptionsSchema.in.shape).flatMap((name) => {
    const own =
      name === 'preset' && typeof config.preset === 'string' ? currentPreset(config.preset) : config[name]
    if (own === undefined || own === usual.get(name) || UNSAID.includes(name)) return []
    return [`${flagOf(name)} ${shellWord(String(own))}`]
  })
  const settings = Object.entries(set as Record<string, unknown>).map(([name, value]) => {
    const written = typeof value === 'string' ? value : JSON.stringify(value)
    return `--set ${shellWord(`${name}=${written}`)}`
  })
  const { plugins = [] } = z.object(pluginsField).safeParse(config).data ?? {}
  const files = plugins.map(({ file }) => `--plugin ${shellWord(file)}`)
  return ['handful fit', source, ...flags, ...settings, ...files].join(' ')
}
