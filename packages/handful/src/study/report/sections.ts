/** The report's sections, each from what the study has; those without content are left out. */
import { formatCount, formatDuration } from '../../draw/format.js'
import { accuracyFigure } from '../sections/accuracy/accuracy-figure.js'
import {
  figureBlock,
  text,
  type Block,
  type StudySection,
  type TableBlock,
  type TableCell,
} from './blocks.js'
import {
  crossingInWords,
  crossovers,
  intervalInWords,
  type Crossover,
} from '../sections/crossover/crossover.js'
import { crossoverFigure } from '../sections/crossover/crossover-figure.js'
import { heatFigure } from '../sections/cells/heat-figure.js'
import { contradictions, mainTable, summaryTable } from '../sections/results/main-table.js'
import { mapFigures } from '../sections/maps/map-figures.js'
import { learningFigure } from '../sections/learning/learning-figure.js'
import { partsFigure } from '../sections/parts/parts-figure.js'
import { PUBLISHED_CROSSOVERS, publishedSet } from '../published.js'
import { fittedHeads, measuredCounts, methodTitle } from '../results.js'
import { setupSections } from './section-setup.js'
import {
  beforeAfterFigure,
  sweepFigure,
  sweepFindings,
  sweepSurroundings,
} from '../sections/sweep/sweep-figure.js'
import type { Study } from '../result.js'

/** All sections in reading order. */
export function studySections(study: Study): StudySection[] {
  return [
    tableSection(study),
    accuracySection(study),
    crossoverSection(study),
    cellSection(study),
    sweepSection(study),
    partSection(study),
    mapSection(study),
    generationSection(study),
    trainingSection(study),
    ...setupSections(study),
  ].filter(({ blocks }) => blocks.length > 0)
}

function tableSection(study: Study): StudySection {
  const contradiction = contradictions(study)
  const best = mainTable(study, 'best')
  const reference = mainTable(study, 'reference')
  const single = fittedHeads(study).length < 2
  const blocks: Block[] = [
    ...(best === undefined ? [text('Nothing has been measured yet.')] : []),
    ...(best === undefined ? [] : [{ kind: 'heading', text: 'In short' } as const, ...summaryTable(study)]),
    ...(best === undefined ? [] : [{ kind: 'heading', text: 'Method by method' } as const, best]),
    ...(reference === undefined || single
      ? []
      : [{ kind: 'heading', text: "With the reference study's head alone" } as const, reference]),
    ...(contradiction === undefined ? [] : [{ kind: 'note', text: contradiction } as const]),
  ]
  return { id: 'results', title: 'Results', blocks }
}

function accuracySection(study: Study): StudySection {
  const reference = accuracyFigure(study, 'reference')
  const several = fittedHeads(study).length > 1
  return {
    id: 'accuracy',
    title: 'Accuracy over labels per class',
    blocks: [
      ...figureBlock(accuracyFigure(study, 'best')),
      ...(several && fittedHeads(study).some((head) => head.reference) ? figureBlock(reference) : []),
    ],
  }
}

function crossoverSection(study: Study): StudySection {
  const found = crossovers(study, 'best')
  const fixed = crossovers(study, 'reference')
  if (found.length === 0) return { id: 'crossover', title: '', blocks: [] }
  const set = publishedSet(study.dataset.name)
  const claims = PUBLISHED_CROSSOVERS.filter((claim) => claim.set === set)
  const table: TableBlock = {
    kind: 'table',
    columns: [
      { title: 'Method' },
      { title: 'Ahead of' },
      { title: 'With its best head' },
      ...(fixed.length > 0 ? [{ title: "With the reference's head" }] : []),
      ...(claims.length > 0 ? [{ title: 'Published' }] : []),
    ],
    rows: found.map((one) => {
      const same = fixed.find((other) => other.method === one.method && other.rival === one.rival)
      const claim = claims.find(({ method }) => method === one.method.id && one.rival.id === 'resnet18')
      return [
        one.method.title,
        one.rival.title,
        crossingCell(one),
        ...(fixed.length > 0 ? [same === undefined ? '–' : crossingCell(same)] : []),
        ...(claims.length > 0
          ? [claim === undefined ? '' : { text: claim.claim, below: [`its data: ${claim.check}`] }]
          : []),
      ]
    }),
    caption:
      'Labels per class, interpolated over the logarithm of the count; underneath the 95 % interval: 2,000 bootstrap draws over the draws of the labelled images, the best head picked anew in each; training again with another seed is not in them.',
  }
  const how = text(
    'With few labels a classifier on features that were learned without labels beats a network trained on the labelled images alone; with many it does not. Here is where the lines cross.',
  )
  return {
    id: 'crossover',
    title: 'Up to how many labels it pays',
    blocks: [how, ...figureBlock(crossoverFigure(study, found, fixed)), table],
  }
}

function crossingCell(one: Crossover): TableCell {
  return { text: crossingInWords(one), below: [intervalInWords(one)] }
}

function cellSection(study: Study): StudySection {
  return { id: 'cells', title: 'Every method with every head', blocks: figureBlock(heatFigure(study)) }
}

function sweepSection(study: Study): StudySection {
  const { sweep } = study
  if (sweep === undefined) return { id: 'noise-levels', title: '', blocks: [] }
  const about = sweepSurroundings(study, sweep)
  const findings = sweepFindings(sweep)
  const after = beforeAfterFigure(sweep, about)
  return {
    id: 'noise-levels',
    title: 'The noise level',
    blocks: [
      ...(findings.length > 0 ? [{ kind: 'list', items: findings } as const] : []),
      ...figureBlock(sweepFigure(sweep, about)),
      ...(after === undefined ? [] : [{ kind: 'heading', text: 'Before and after' } as const]),
      ...figureBlock(after),
      ...(sweep.notes ?? []).map((note) => text(note, true)),
    ],
  }
}

function partSection(study: Study): StudySection {
  return { id: 'encoder-decoder', title: 'Encoder, decoder or both', blocks: figureBlock(partsFigure(study)) }
}

function mapSection(study: Study): StudySection {
  if (study.maps.length === 0) return { id: 'maps', title: '', blocks: [] }
  const rows = study.maps.map((map) => [
    methodTitle(study, map.method),
    formatCount(map.x.length),
    map.purity.toFixed(3),
    map.purityByChance.toFixed(3),
    map.silhouette.toFixed(3),
  ])
  return {
    id: 'maps',
    title: 'Maps of the features',
    blocks: [
      {
        kind: 'table',
        columns: [
          { title: 'Features' },
          { title: 'Images', number: true },
          { title: 'Purity', number: true },
          { title: 'by chance', number: true },
          { title: 'Silhouette', number: true },
        ],
        rows,
        caption:
          'Purity: share of the 15 nearest neighbours, in the features, of the same class. Silhouette: how much nearer its own class is to an image than the next one, from -1 to 1. Both are measured in the features, not in the map.',
        file: {
          name: 'maps',
          data: {
            columns: ['method', 'images', 'purity', 'purity_by_chance', 'silhouette'],
            rows: study.maps.map((map) => [
              map.method,
              map.x.length,
              map.purity,
              map.purityByChance,
              map.silhouette,
            ]),
          },
        },
      },
      ...study.maps
        .flatMap((map) => mapFigures(study, map))
        .map((figure) => ({ kind: 'figure', figure }) as const),
    ],
  }
}

function generationSection(study: Study): StudySection {
  const { generation } = study
  if (generation.length === 0) return { id: 'generation', title: '', blocks: [] }
  const images = Math.max(0, ...generation.map(({ scores }) => scores?.images ?? 0))
  const number = (value: number | undefined, digits: number): string =>
    value === undefined ? '–' : value.toFixed(digits)
  const table: TableBlock = {
    kind: 'table',
    columns: [
      { title: 'Model' },
      ...[
        'Fréchet',
        'its floor',
        'Kernel',
        'Precision',
        'Recall',
        'Nearest training',
        'Images a second',
        'Parameters',
        'Training',
      ].map((title) => ({ title, number: true })),
    ],
    rows: generation.map(({ method, scores, imagesPerSecond }) => {
      const training = study.methods.find(({ id }) => id === method)?.training
      return [
        methodTitle(study, method),
        number(scores?.frechet, 2),
        number(scores?.frechetOfTraining, 2),
        number(scores?.kernel, 4),
        number(scores?.precision, 3),
        number(scores?.recall, 3),
        number(scores?.nearestTraining, 2),
        imagesPerSecond === undefined ? '–' : formatCount(imagesPerSecond),
        training === undefined ? '–' : formatCount(training.parameters),
        training === undefined ? '–' : formatDuration(training.seconds),
      ]
    }),
    caption: `${images > 0 ? `${formatCount(images)} generated images against the test images, in the features of one score network. ` : ''}Fréchet and kernel distance: lower is better; the floor is the training images' own. Precision: generated images that look real; recall: real ones that are covered. Nearest training: distance to the nearest training image over that of test images; far below 1 means learned by heart.`,
    file: {
      name: 'generation',
      data: {
        columns: [
          'method',
          'images',
          'frechet',
          'frechet_of_training',
          'kernel',
          'precision',
          'recall',
          'nearest_training',
          'images_per_second',
          'parameters',
          'training_seconds',
        ],
        rows: generation.map(({ method, scores, imagesPerSecond }) => {
          const training = study.methods.find(({ id }) => id === method)?.training
          return [
            method,
            scores?.images,
            scores?.frechet,
            scores?.frechetOfTraining,
            scores?.kernel,
            scores?.precision,
            scores?.recall,
            scores?.nearestTraining,
            imagesPerSecond,
            training?.parameters,
            training?.seconds,
          ]
        }),
      },
    },
  }
  const pictures = generation.flatMap(({ method, samples, reconstructions }): Block[] => {
    const title = methodTitle(study, method)
    return [
      ...(samples === undefined
        ? []
        : [
            {
              kind: 'picture',
              name: `samples-${method}`,
              title: `${title}: samples`,
              image: samples,
            } as const,
          ]),
      ...(reconstructions === undefined
        ? []
        : [
            {
              kind: 'picture',
              name: `reconstructions-${method}`,
              title: `${title}: images above, what the model makes of them below`,
              image: reconstructions,
            } as const,
          ]),
    ]
  })
  return { id: 'generation', title: 'What the models generate', blocks: [table, ...pictures] }
}

function trainingSection(study: Study): StudySection {
  const trained = study.methods.filter(({ training }) => training !== undefined)
  const models: Block[] =
    trained.length === 0
      ? []
      : [
          {
            kind: 'table',
            columns: [
              { title: 'Model' },
              ...['Parameters', 'Steps', 'Batch', 'Training', 'Features a second'].map((title) => ({
                title,
                number: true,
              })),
            ],
            rows: trained.map(({ title, training, imagesPerSecond }) => [
              training?.model === undefined || training.model === title
                ? title
                : { text: title, below: [training.model] },
              formatCount(training?.parameters ?? 0),
              formatCount(training?.steps ?? 0),
              formatCount(training?.batch ?? 0),
              formatDuration(training?.seconds ?? 0),
              imagesPerSecond === undefined ? '–' : `${formatCount(imagesPerSecond)} images`,
            ]),
          },
        ]
  return {
    id: 'training',
    title: 'Training',
    blocks: [...models, ...figureBlock(learningFigure(study)), ...timeTable(study)],
  }
}

/** Minutes of each method's cells, at each label count, all heads and draws together. */
function timeTable(study: Study): Block[] {
  const counts = measuredCounts(study)
  const seconds = (method: string, count: Study['labelCounts'][number]): number | undefined => {
    const cells = study.cells.filter((cell) => cell.method === method && cell.labelsPerClass === count)
    return cells.length === 0 ? undefined : cells.reduce((sum, cell) => sum + cell.seconds, 0)
  }
  const methods = study.methods.filter(({ id }) => study.cells.some(({ method }) => method === id))
  if (methods.length === 0) return []
  return [
    { kind: 'heading', text: 'Minutes of classification' },
    {
      kind: 'table',
      columns: [{ title: 'Method' }, ...counts.map((count) => ({ title: String(count), number: true }))],
      rows: methods.map(({ id, title }) => [
        title,
        ...counts.map((count) => {
          const taken = seconds(id, count)
          return taken === undefined ? '–' : (taken / 60).toFixed(1)
        }),
      ]),
      caption:
        'Minutes that the cells of a method took at each number of labels per class, all heads and draws together; for a supervised network that is its training.',
      file: {
        name: 'minutes',
        data: {
          columns: ['method', 'labels_per_class', 'minutes'],
          rows: methods.flatMap(({ id }) =>
            counts.map((count) => {
              const taken = seconds(id, count)
              return [id, count, taken === undefined ? undefined : taken / 60]
            }),
          ),
        },
      },
    },
  ]
}
