/** A contact sheet: the suggested images in their order, each with its path and why. */
import { readFile, stat } from 'node:fs/promises'
import path from 'node:path'
import { decodeContent, type InTurn, oneAtATime } from '../../data/decode-content.js'
import { frameOf } from '../../data/frames.js'
import { imageAt } from '../../data/image-set.js'
import { imageGrid } from '../../draw/grid.js'
import { html, Html } from '../../draw/html.js'
import { STYLE } from '../../draw/style.js'
import type { PixelImage } from '../../data/given-image.js'
import { Stretch } from '../../data/stretch.js'
import { thumbnail } from '../../draw/thumbnails.js'
import { writeFileAtomic } from '../../files/atomic.js'
import { readDataset, sourceOfRun } from '../../runs/read-dataset.js'
import { describedModel } from '../../runs/trained-model.js'
import type { JobContext } from '../../training/progress.js'

/** An image to look at. */
export interface SuggestedImage {
  readonly image: string
  readonly why: string
  /** What is predicted of it, where that may be told. */
  readonly predicted?: string
  readonly probability?: number
}

export interface SheetPlace {
  readonly run: string
  /** Undefined where the images are no files of a folder. */
  readonly imageFolder: string | undefined
  readonly dataDir: string | undefined
  readonly title: string
}

const SIDE = 160
const ACROSS = 8

/** @throws HandfulError where the sheet cannot be written or the images are gone */
export async function writeSheet(
  file: string,
  suggestions: readonly SuggestedImage[],
  place: SheetPlace,
  context: JobContext,
): Promise<void> {
  const pictures = await picturesOf(suggestions, place, context)
  if (/\.png$/i.test(file)) {
    await writeFileAtomic(file, await imageGrid(pictures, ACROSS, 1))
    return
  }
  const figures = await Promise.all(
    suggestions.map(async ({ image, why, predicted, probability }, i) => {
      const guess = predicted === undefined ? '' : `${predicted}, ${Math.round(100 * (probability ?? 0))} %`
      return html`<figure>
        <img src="${await thumbnail(pictures[i])}" alt="${image}" />
        <figcaption><b>${image}</b><br />${why}<br />${guess}</figcaption>
      </figure>`
    }),
  )
  const page = html`<!doctype html>
    <html lang="en">
      <head>
        <meta charset="utf-8" />
        <meta name="viewport" content="width=device-width, initial-scale=1" />
        <title>${place.title}: ${suggestions.length} images to label</title>
        <style>
          ${new Html(STYLE + SHEET_STYLE)}
        </style>
      </head>
      <body>
        <header><h1>${suggestions.length} images of ${place.title} to label next</h1></header>
        <main class="sheet">${figures}</main>
      </body>
    </html> `
  await writeFileAtomic(file, page.text)
}

const SHEET_STYLE = `
.sheet { display: grid; grid-template-columns: repeat(auto-fill, minmax(150px, 1fr)); gap: 18px; margin-top: 24px; }
.sheet figure { margin: 0; min-width: 0; } .sheet img { width: 100%; aspect-ratio: 1; object-fit: contain; background: var(--raised); border-radius: 6px; }
.sheet figcaption { font-size: 12px; overflow-wrap: anywhere; }
`

/** From the files where there are some; else as the run reads them. */
async function picturesOf(
  suggestions: readonly SuggestedImage[],
  { run, imageFolder, dataDir }: SheetPlace,
  context: JobContext,
): Promise<PixelImage[]> {
  const inTurn = oneAtATime()
  if (imageFolder !== undefined)
    return Promise.all(suggestions.map(({ image }) => smallPicture(imageFolder, image, inTurn)))
  const source = await sourceOfRun(await describedModel(run, context), 'contact sheet', dataDir)
  const { train } = await readDataset(source, context, 'optional')
  const rows = new Map(train.paths.map((each, row) => [each, row]))
  return suggestions.map(({ image }) => ({
    height: train.height,
    width: train.width,
    channels: train.channels,
    pixels: imageAt(train, rows.get(image) ?? 0),
  }))
}

/** A square of one size, as sheets in PNG need them; grey where the file cannot be read any more. */
async function smallPicture(folder: string, image: string, inTurn: InTurn): Promise<PixelImage> {
  const { file, frame } = await placeOfFrame(folder, image)
  const stretch = new Stretch({ stretch: 'each' })
  const options = { size: SIDE, fit: 'pad', stretch, frame, inTurn } as const
  const pixels = await readFile(file)
    .then(async (content) => (await decodeContent(content, options)).pixels)
    .catch(() => new Uint8Array(SIDE * SIDE * 3).fill(200))
  return { height: SIDE, width: SIDE, channels: 3, pixels }
}

/** A frame's file, where the image is none itself. */
async function placeOfFrame(folder: string, image: string): Promise<{ file: string; frame?: number }> {
  const whole = path.join(folder, image)
  const frame = frameOf(image)
  const exists = (file: string): Promise<boolean> =>
    stat(file).then(
      () => true,
      () => false,
    )
  if (frame === undefined || (await exists(whole))) return { file: whole }
  return { file: path.join(folder, frame.path), frame: frame.frame }
}
