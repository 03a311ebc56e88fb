/**
 * The parts of a study beside its cells, each a stage of its own: noise levels, encoder against decoder, maps, the file
 * for other tools, generation.
 */
import { stat } from 'node:fs/promises'
import path from 'node:path'
import { Random } from 'onnx-autodiff'
import { z } from 'zod'
import { type LabelCount, studySchema, type StudyInput } from './result.js'
import { stageKey } from '../runs/run-folder.js'
import type { ImageSet } from '../data/image-set.js'
import { modelsWith } from '../models/registry.js'
import type { ModelName } from '../names.js'
import { scoreNetworkFor } from '../scores/network-cache.js'
import { argmaxRows, rowRange } from '../numerics/matrix.js'
import { createHead, type HeadName } from '../heads/registry.js'
import { atlasCommand, writeAtlas } from './sections/atlas/atlas.js'
import { featureSeconds, fitSeconds, type Scale } from './estimate.js'
import { studyGeneration } from './sections/generation/generation.js'
import { layOut, MOST_POINTS, studyMap } from './sections/maps/study-map.js'
import type { PlannedMethod } from './methods.js'
import { compareParts } from './sections/parts/parts.js'
import type { Stage } from '../stages/stage.js'
import type { StageRecord } from '../stages/stage-store.js'
import { studyDraws } from './study-data.js'
import { sweepNoise } from './sections/sweep/noise-sweep.js'
import type { Workshop } from './workshop.js'

export interface SectionParts {
  readonly workshop: Workshop
  readonly methods: readonly PlannedMethod[]
  readonly models: ReadonlyMap<string, Stage>
  readonly banks: ReadonlyMap<string, Stage>
  readonly draws: number
  readonly sizes: readonly LabelCount[]
  readonly scale: Scale
}

const PROTOCOL = 1

const schemas = {
  sweep: studySchema.shape.sweep.unwrap(),
  parts: studySchema.shape.parts.unwrap(),
  map: studySchema.shape.maps.unwrap().element,
  generation: studySchema.shape.generation.unwrap().element,
  atlas: z.strictObject({ file: z.string(), rows: z.number(), method: z.string(), open: z.string() }),
} as const

export function sectionStages(parts: SectionParts): Stage[] {
  const { sections } = parts.workshop.options
  return [
    ...(sections.sweep ? sweepStages(parts) : []),
    ...(sections.parts ? partsStages(parts) : []),
    ...(sections.maps ? mapStages(parts) : []),
    ...(sections.atlas ? atlasStages(parts) : []),
    ...(sections.generation ? [...parts.models.values()].map((model) => generationStage(model, parts)) : []),
  ]
}

/** Labels per class that noise levels are compared at, at most, and draws of them. */
const SWEEP_LABELS = 16
const SWEEP_DRAWS = 5

/** Those models that see images through noise. */
const sweepStages = (parts: SectionParts): Stage[] =>
  modelsWith('hasNoiseLevels').flatMap((name) => {
    const model = parts.models.get(name)
    return model === undefined ? [] : [sweepStage(name, model, parts)]
  })

function sweepStage(
  method: ModelName,
  model: Stage,
  { workshop, sizes, draws: asked, scale }: SectionParts,
): Stage {
  const { data, options } = workshop
  const few = sizes.filter((size) => size !== 'all').filter((size) => size <= SWEEP_LABELS)
  const labelsPerClass = Math.max(...few, 1)
  const draws = Math.min(SWEEP_DRAWS, asked)
  const { seed } = options
  const identity = { model: model.key, labels: data.keys.labels, test: data.keys.test, few, draws, seed }
  return {
    kind: 'sweep',
    name: `noise levels of ${method}`,
    key: stageKey({ PROTOCOL, kind: 'sweep', ...identity }),
    needs: [model],
    seconds: 60 + 9 * 20 * (scale.size / 32) ** 2,
    group: 'noise levels',
    method,
    schema: schemas.sweep,
    work: async (context) => {
      const drawsOf = (size: number) => ({
        labelsPerClass: size,
        draws: studyDraws(data, size, { draws, seed }),
      })
      const parts = {
        trained: await workshop.trainedModel(model),
        ...{ method, train: data.images, test: data.test, classCount: data.classNames.length },
        ...drawsOf(labelsPerClass),
        beforeAfter: few.map(drawsOf),
      }
      return sweepNoise(parts, context)
    },
  }
}

/** Labels per class that encoder and decoder are compared at, draws of them, and heads, as far as the study has them. */
const PARTS_LABELS = [2, 4, 8, 16]
const PARTS_DRAWS = 5
const PARTS_HEADS: readonly HeadName[] = ['mlp', 'propagation']

/** Those models whose encoder and decoder both give features. */
function partsStages({ workshop, models, sizes, draws: asked, scale }: SectionParts): Stage[] {
  const { data, options } = workshop
  const compared = sizes.filter((size) => size !== 'all').filter((size) => PARTS_LABELS.includes(size))
  const few = compared.length > 0 ? compared : sizes.filter((size) => size !== 'all').slice(0, 1)
  const draws = Math.min(PARTS_DRAWS, asked)
  const { seed } = options
  const some = options.heads.filter((head) => PARTS_HEADS.includes(head))
  const heads = some.length > 0 ? some : options.heads.slice(0, 1)
  return modelsWith('hasDecoder').flatMap((name): Stage[] => {
    const model = models.get(name)
    if (model === undefined || few.length === 0) return []
    const identity = {
      model: model.key,
      labels: data.keys.labels,
      test: data.keys.test,
      few,
      draws,
      seed,
      heads,
    }
    const fits = few.flatMap((size) => heads.map((head) => fitSeconds(head, size * scale.classCount, scale)))
    return [
      {
        kind: 'parts',
        name: `encoder and decoder of ${name}`,
        key: stageKey({ PROTOCOL, kind: 'parts', ...identity }),
        needs: [model],
        seconds: featureSeconds(name, scale) + 3 * (10 + draws * fits.reduce((sum, each) => sum + each, 0)),
        group: 'encoder and decoder',
        method: name,
        schema: schemas.parts,
        work: async (context) =>
          compareParts(
            {
              trained: await workshop.trainedModel(model),
              ...{
                method: name,
                train: data.images,
                test: data.test,
                classCount: data.classNames.length,
                heads,
              },
              drawsByLabels: few.map((size) => ({
                labelsPerClass: size,
                draws: studyDraws(data, size, { draws, seed }),
              })),
            },
            context,
          ),
      },
    ]
  })
}

/** UMAP of 10,000 points. */
const LAYOUT_SECONDS = 40

const layoutSeconds = ({ trainImages }: Scale): number =>
  3 + (LAYOUT_SECONDS * Math.min(trainImages, MOST_POINTS)) / MOST_POINTS

function mapStages({ workshop, methods, banks, scale }: SectionParts): Stage[] {
  const { data, options } = workshop
  return methods.flatMap(({ id, title }): Stage[] => {
    const bank = banks.get(id)
    if (bank === undefined) return []
    return [
      {
        kind: 'map',
        name: `map of ${title}`,
        key: stageKey({
          PROTOCOL,
          kind: 'map',
          bank: bank.key,
          labels: data.keys.labels,
          seed: options.seed,
        }),
        needs: [bank],
        seconds: layoutSeconds(scale),
        group: 'maps',
        method: id,
        schema: schemas.map,
        work: async (context) => {
          const { train: features } = await workshop.bank(bank)
          const { images, labels, classNames } = data
          return studyMap({ method: id, features, images, labels, classNames }, context)
        },
      },
    ]
  })
}

/** Below the study's folder. */
const ATLAS = 'atlas.parquet'
const ATLAS_LABELS = 4

/** Of the first combination, else of the first generative method, else of the first there is: never of the best. */
function atlasStages({ workshop, methods, banks, sizes, scale }: SectionParts): Stage[] {
  const { data, options, place } = workshop
  const rank = ['combination', 'generative', 'baseline']
  const [method] = methods
    .filter(({ id }) => banks.has(id))
    .sort((a, b) => rank.indexOf(a.kind) - rank.indexOf(b.kind))
  const bank = banks.get(method.id) as Stage
  const head = options.heads.includes('propagation') ? 'propagation' : options.heads[0]
  const size = sizes.find((each) => each === 'all' || each >= ATLAS_LABELS) ?? sizes[sizes.length - 1]
  const { seed } = options
  return [
    {
      kind: 'atlas',
      name: ATLAS,
      key: stageKey({ PROTOCOL, kind: 'atlas', bank: bank.key, labels: data.keys.labels, seed, head, size }),
      needs: [bank],
      seconds: layoutSeconds(scale) + 10 + fitSeconds(head, 100, scale),
      group: ATLAS,
      method: method.id,
      schema: schemas.atlas,
      present: async () => (await stat(path.join(place.folder, ATLAS)).catch(() => undefined)) !== undefined,
      work: async (context) => {
        const { images, classNames } = data
        const { train, graph } = await workshop.bank(bank)
        // Training images are in random order: the first ones are a draw of them.
        const rows = Math.min(images.count, MOST_POINTS)
        const [labels] = studyDraws(data, size, { draws: 1, seed })
        const { linearAlgebra, signal } = context
        const random = new Random(seed, 'atlas')
        const problem = {
          features: train,
          labels,
          classCount: classNames.length,
          random,
          linearAlgebra,
          graph,
        }
        const fitted = await createHead(head).fit(problem)
        const probabilities = rowRange(await fitted.probabilities(), 0, rows)
        const predicted = argmaxRows(probabilities)
        const { columns, data: values } = probabilities
        const features = rowRange(train, 0, rows)
        const { neighbours, coordinates } = await layOut(features, context)
        await writeAtlas(path.join(place.folder, ATLAS), {
          images: { ...images, count: rows, paths: images.paths.slice(0, rows) },
          splits: Array.from({ length: rows }, () => 'train'),
          ...{ features, coordinates, neighbours, classNames, signal },
          labels: data.labels.subarray(0, rows),
          predictions: {
            predicted,
            probability: Float32Array.from(predicted, (c, i) => values[i * columns + c]),
          },
        })
        return { file: ATLAS, rows, method: method.id, open: atlasCommand(ATLAS, { neighbours }) }
      },
    },
  ]
}

/** Images drawn and scored, at most. */
const SCORED_IMAGES = 2000
const SAMPLES_PER_SECOND: Readonly<Record<string, number>> = {
  vae: 2000,
  vqvae: 200,
  diffusion: 12,
  gan: 300,
}

function generationStage(model: Stage, { workshop, scale }: SectionParts): Stage {
  const { data, place } = workshop
  const name = model.method ?? 'model'
  const count = Math.min(SCORED_IMAGES, data.test.count)
  return {
    kind: 'generation',
    name: `generation: ${name}`,
    key: stageKey({
      PROTOCOL,
      kind: 'generation',
      model: model.key,
      labels: data.keys.labels,
      test: data.keys.test,
      count,
    }),
    needs: [model],
    seconds: 40 + (count / (SAMPLES_PER_SECOND[name] ?? 100)) * (scale.size / 32) ** 2,
    group: 'generation',
    method: name,
    schema: schemas.generation,
    work: async (context) => {
      const trained = await workshop.trainedModel(model)
      const network = await scoreNetworkFor(
        { train: labelledImages(workshop) },
        context,
        path.join(place.folder, 'score-network'),
      )
      const parts = { trained, method: name, train: data.images, test: data.test, network }
      return studyGeneration(parts, context, { count })
    },
  }
}

/** Training images with all their labels: for the network that scores generated images, never for methods. */
const labelledImages = ({ data }: Workshop): ImageSet => ({
  ...data.images,
  labels: data.labels,
  classNames: data.classNames,
})

type Sections = Pick<StudyInput, 'sweep' | 'parts' | 'maps' | 'generation'>

/** What the stages gave, where the study has it. */
export function sectionResults(finished: readonly (readonly [Stage, StageRecord])[]): Sections {
  const all = <T extends z.ZodType>(kind: Stage['kind'], schema: T): z.output<T>[] =>
    finished.flatMap(([stage, { result }]) => (stage.kind === kind ? [schema.parse(result)] : []))
  return {
    sweep: all('sweep', schemas.sweep).at(0),
    parts: all('parts', schemas.parts).flat(),
    maps: all('map', schemas.map),
    generation: all('generation', schemas.generation),
  }
}

/** Sentences about what stands in the folder beside the report. */
export function sectionNotes(finished: readonly (readonly [Stage, StageRecord])[]): string[] {
  return finished.flatMap(([stage, { result }]) => {
    if (stage.kind !== 'atlas') return []
    const { file, rows, method, open } = schemas.atlas.parse(result)
    return [`${file} holds ${rows} training images with their features (${method}) and map: ${open}`]
  })
}
