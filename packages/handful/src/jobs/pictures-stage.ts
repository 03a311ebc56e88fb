/** Drawing what a trained model makes as a stage: files in the run folder, and small ones for its report. */
import { z } from 'zod'
import type { Images } from '../data/image-set.js'
import { imagesKey } from '../data/content.js'
import { drawPictures, PICTURE_FILES } from '../draw/model-pictures.js'
import { runReportSchema } from '../draw/run-report.js'
import { thumbnail } from '../draw/thumbnails.js'
import { contentKey } from '../files/content-key.js'
import { filesPresent } from '../files/present.js'
import type { WeightedModel } from '../models/model.js'
import type { RunFolder } from '../runs/run-folder.js'
import type { Stage } from '../stages/stage.js'

export { PICTURE_FILES }

export const PICTURES = 'draw pictures'

const picturesSchema = z.object({
  reconstructions: runReportSchema.shape.reconstructions.unwrap(),
  samples: runReportSchema.shape.samples.unwrap(),
  alike: runReportSchema.shape.alike,
})

export type ReportPictures = z.infer<typeof picturesSchema>

/** The files in the run folder that it was drawn into. */
export const pictureFiles = ({ reconstructions, samples, alike }: ReportPictures): string[] => [
  ...(reconstructions.length > 0 ? [PICTURE_FILES.reconstructions] : []),
  ...(samples.length > 0 ? [PICTURE_FILES.samples] : []),
  ...(alike.length > 0 ? [PICTURE_FILES.neighbours] : []),
]

export interface Pictured {
  readonly run: RunFolder
  readonly train: Stage
  readonly trained: () => Promise<WeightedModel>
}

export function picturesStage(images: Images, { run, train, trained }: Pictured): Stage<ReportPictures> {
  const settings = { kind: 'pictures', train: train.key, images: imagesKey(images) }
  return {
    kind: 'pictures',
    name: PICTURES,
    settings,
    key: contentKey(settings),
    needs: [train],
    seconds: 2,
    group: PICTURES,
    schema: picturesSchema,
    present: (drawn) => filesPresent(run.folder, pictureFiles(drawn)),
    work: async ({ seed, threads, device, signal, onProgress }) => {
      const model = await trained()
      const drawn = await drawPictures(run, model, images, { seed, threads, device, signal, onProgress })
      return {
        reconstructions: await Promise.all(
          drawn.outputs.map(async (output, i) => ({
            input: await thumbnail(drawn.inputs[i]),
            output: await thumbnail(output),
          })),
        ),
        samples: await Promise.all(drawn.samples.map(thumbnail)),
        alike: await Promise.all(drawn.alike.map((row) => Promise.all(row.map(thumbnail)))),
      }
    },
  }
}
