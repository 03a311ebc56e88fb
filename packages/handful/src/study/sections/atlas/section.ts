/** A file for other tools: training images with features, map, labels and predictions, beside the report. */
import path from 'node:path'
import { Random } from 'onnx-autodiff'
import { z } from 'zod'
import { contentKey } from '../../../files/content-key.js'
import { filesPresent } from '../../../files/present.js'
import { FeatureSpace } from '../../../features/feature-space.js'
import { headProblem } from '../../../heads/head.js'
import { createHead } from '../../../heads/registry.js'
import type { HeadName } from '../../../names.js'
import { mostProbable, rowRange } from '../../../numerics/matrix.js'
import type { StageContext } from '../../../stages/stage.js'
import type { BankRecord } from '../../bank.js'
import { fitSeconds } from '../../study-heads.js'
import type { LabelCount } from '../../result.js'
import { studyDraws } from '../../study-data.js'
import type { StudyStage } from '../../study-stage.js'
import type { Workshop } from '../../workshop.js'
import { layOut, layoutSeconds, MOST_POINTS } from '../maps/study-map.js'
import { defineSection, type Planning } from '../section-entry.js'
import { atlasCommand, type AtlasPredictions, writeAtlas } from './atlas.js'

const PROTOCOL = 1
const KIND = 'atlas'
/** Below the study's folder. */
const FILE = 'atlas.parquet'
/** Labels per class that predictions are made from, at least, where the study has so many. */
const FEWEST_LABELS = 4

const resultSchema = z.strictObject({
  file: z.string(),
  rows: z.number(),
  method: z.string(),
  open: z.string(),
})

export const atlasSection = defineSection({
  id: 'atlas',
  title: 'A file for other tools',
  stages: (planning) => [atlasStage(planning)],
  gather: (finished) => ({
    notes: finished
      .all(KIND, resultSchema)
      .map(
        ({ file, rows, method, open }) =>
          `${file} holds ${rows} training images with their features (${method}) and map: ${open}`,
      ),
  }),
})

/** Of the first combination, else of the first generative method, else of the first there is: never of the best. */
function atlasStage({
  workshop,
  methods,
  banks,
  sizes,
  scale,
}: Planning): StudyStage<z.infer<typeof resultSchema>> {
  const { data, options, place } = workshop
  const rank = ['combination', 'contrastive', 'generative', 'outside', 'baseline']
  const [{ method, bank }] = methods
    .flatMap(({ id, kind }) => {
      const bank = banks.get(id)
      return bank === undefined ? [] : [{ method: id, kind, bank }]
    })
    .sort((a, b) => rank.indexOf(a.kind) - rank.indexOf(b.kind))
  const head = options.heads.includes('propagation') ? 'propagation' : options.heads[0]
  const size = sizes.find((each) => each === 'all' || each >= FEWEST_LABELS) ?? sizes[sizes.length - 1]
  const { seed } = options
  const settings = { PROTOCOL, kind: KIND, bank: bank.key, labels: data.keys.labels, seed, head, size }
  const file = path.join(place.folder, FILE)
  return {
    kind: KIND,
    name: FILE,
    settings,
    key: contentKey(settings),
    needs: [bank],
    seconds: layoutSeconds(scale.trainImages) + 10 + fitSeconds(head, 100, scale),
    group: FILE,
    method,
    schema: resultSchema,
    present: () => filesPresent(place.folder, [FILE]),
    work: async (context) => {
      const { images, classNames } = data
      // Training images are in random order: the first ones are a draw of them.
      const rows = Math.min(images.count, MOST_POINTS)
      const predictions = await predict(head, size, bank, rows, workshop, context)
      const { train, linearAlgebra } = await workshop.bank(bank, context)
      const features = rowRange(train, 0, rows)
      const { neighbours, coordinates } = await layOut(
        new FeatureSpace({ train: features }, { linearAlgebra }),
        context,
      )
      await writeAtlas(file, {
        images: { ...images, count: rows, paths: images.paths.slice(0, rows) },
        splits: Array.from({ length: rows }, () => 'train'),
        features,
        coordinates,
        neighbours,
        classNames,
        signal: context.signal,
        labels: data.labels.subarray(0, rows),
        predictions,
      })
      return { file: FILE, rows, method, open: atlasCommand(FILE, { neighbours }) }
    },
  }
}

/** What one draw of labelled images says of the first `rows` training images. */
async function predict(
  head: HeadName,
  size: LabelCount,
  stage: StudyStage<BankRecord>,
  rows: number,
  workshop: Workshop,
  context: StageContext,
): Promise<AtlasPredictions> {
  const { data, options } = workshop
  const { seed } = options
  const [labels] = studyDraws(data, size, { draws: 1, seed })
  const random = new Random(seed, KIND)
  const space = await workshop.bank(stage, context)
  const problem = headProblem(space, { labels, classCount: data.classNames.length, random })
  const fitted = await createHead(head).fit(problem)
  return mostProbable(rowRange(await fitted.probabilities(), 0, rows))
}
