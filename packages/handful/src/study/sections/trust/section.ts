/** How far to trust the study's numbers. */
import { choiceInWords, formatCount } from '../../../draw/format.js'
import { publishedSet, REFERENCE_STUDY } from '../../published.js'
import { isNetwork } from '../../method-kinds.js'
import type { Study, StudyCell, StudyMethod } from '../../result.js'
import { countPhrase, fittedHeads, headlineHead, methodTitle } from '../../results.js'
import { defineSection } from '../section-entry.js'
import { weightTables } from './weights.js'

export const trustSection = defineSection({
  id: 'trust',
  title: 'How far to trust these numbers',
  report: (study) => [{ kind: 'list', items: trust(study) }, ...weightTables(study)],
})

function trust(study: Study): string[] {
  const { dataset, setting } = study
  const several = fittedHeads(study).length > 1
  const trained = study.methods.some(({ training }) => training !== undefined)
  return [
    setting === 'inductive'
      ? `Inductive: the ${formatCount(dataset.testImages)} test images were seen by no training, no normalisation and no propagation before they were predicted.`
      : `Transductive: the ${formatCount(dataset.testImages)} test images, without their labels, were seen by training or propagation. These numbers do not compare with inductive ones.`,
    'Nothing was tuned on test labels: noise levels, layers and the strength of a head come from the labelled few, from criteria without labels, or were fixed beforehand. Test labels served for counting right answers only.',
    ...(several
      ? [
          `Headlines are with one head, ${headlineHead(study)?.title ?? ''}, for all features and numbers of labels; it was fixed before anything was measured. That another of the ${fittedHeads(study).length} heads does better somewhere can be seen in the table of all cells, after the fact.`,
        ]
      : []),
    ...choices(study),
    ...leaders(study),
    drawsInWords(study),
    ...(trained ? [trainingsInWords(study)] : []),
    study.methods.some(({ kind }) => kind === 'supervised')
      ? 'A supervised network learns from the labelled images alone; features were learned from all training images, without labels.'
      : 'No supervised network was trained for comparison.',
    ...(study.methods.some(({ kind }) => kind === 'semi-supervised')
      ? [
          'Networks on labelled and unlabelled images are trained anew for each draw of the labels, from a seed of their own: FixMatch from random weights, each time in as many minutes as the model that is trained longest unless the settings say otherwise; self-training from the trained model, so that its own minutes come on top of those.',
        ]
      : []),
    study.methods.some(({ id }) => id === 'pixels')
      ? 'Raw pixels stand in every table: what does not beat them has learned nothing of use.'
      : 'Raw pixels are missing: without them nobody can tell what the learning is worth.',
    ...(publishedSet(dataset.name) === undefined
      ? []
      : [
          `Published figures are those of ${REFERENCE_STUDY}. Its protocol differs from this one, and some of it was chosen on test images.`,
        ]),
    ...study.notes,
  ]
}

/** How many draws there are, for heads and for networks, and what the intervals are. */
function drawsInWords(study: Study): string {
  const kinds = [
    { what: 'heads on features', cells: study.cells.filter(({ method }) => !ofNetwork(study, method)) },
    { what: 'supervised networks', cells: ofKind(study, 'supervised') },
    { what: 'networks on labelled and unlabelled images', cells: ofKind(study, 'semi-supervised') },
  ].filter(({ cells }) => cells.length > 0)
  const words = kinds.map(({ what, cells }) => {
    const draws = cells.map(({ accuracies }) => accuracies.length)
    const [fewest, most] = [Math.min(...draws), Math.max(...draws)]
    return `${fewest === most ? most : `${fewest} to ${most}`} for ${what}`
  })
  const single = study.cells.some(({ accuracies }) => accuracies.length < 2)
  const interval = single
    ? "Intervals are Student's t at 95 % over the draws; a cell with one draw has Wilson's interval of the number of test images, which says nothing of the choice of labels."
    : "Intervals are Student's t at 95 % over the draws."
  return words.length === 0
    ? 'No cell has a result yet.'
    : `Draws of the labelled images: ${words.join(', ')}. ${interval}`
}

const ofKind = (study: Study, kind: StudyMethod['kind']): StudyCell[] =>
  study.cells.filter(({ method }) => study.methods.some((one) => one.id === method && one.kind === kind))

/** What was chosen for networks, by how many labels. */
function choices(study: Study): string[] {
  const found = study.cells.flatMap(({ method, labelsPerClass, chosen }) =>
    chosen === undefined
      ? []
      : [`${methodTitle(study, method)} at ${countPhrase(labelsPerClass)}: ${choiceInWords(chosen)}`],
  )
  return found.length === 0
    ? []
    : [
        `Rate and length of the stronger network were chosen by the labelled images of the first draw, each half of them judging a network that the other half trained, and taken for all draws: ${found.join('; ')}. At fewer than 4 labels per class, and for all other networks, they were fixed beforehand.`,
      ]
}

/** What led in combinations, by how many labels: the same for all heads. */
function leaders(study: Study): string[] {
  const found = study.methods.flatMap(({ id, parts }) => {
    const counts = study.labelCounts.flatMap((size) => {
      const { leading } =
        study.cells.find(({ method, labelsPerClass }) => method === id && labelsPerClass === size) ?? {}
      if (leading === undefined) return []
      const times = ['all alike', ...parts.map((part) => methodTitle(study, part))].flatMap((name, place) => {
        const often = leading.filter((one) => one === place).length
        return often === 0 ? [] : [`${name} ${often}`]
      })
      return [`at ${countPhrase(size)} ${times.join(', ')}`]
    })
    return counts.length === 0 ? [] : [`${methodTitle(study, id)}: ${counts.join('; ')}`]
  })
  return found.length === 0
    ? []
    : [
        `Which method of a combination leads (1, the others 0.4) was chosen by the labels of each draw and by how well their classes follow the neighbour graph, for all heads alike. Draws in which each led: ${found.join('. ')}.`,
      ]
}

const ofNetwork = (study: Study, method: string): boolean =>
  study.methods.some((one) => one.id === method && isNetwork(one))

/** How often each model was trained, and what of that is in the intervals. */
function trainingsInWords({ cells }: Study): string {
  const most = Math.max(1, ...cells.map(({ furtherTrainings = [] }) => 1 + furtherTrainings.length))
  return most === 1
    ? 'Each generative model was trained once: how much training again with another seed would change is not in the intervals.'
    : `Generative models were trained up to ${most} times, each from another seed, and every draw was classified by the features of each. Intervals of these rows hold both: the variance of the mean is that of a two-way analysis of variance, (MS of trainings + MS of draws - MS of the rest) over trainings times draws, with Satterthwaite's degrees of freedom (1946). What was given as a run was trained once.`
}
