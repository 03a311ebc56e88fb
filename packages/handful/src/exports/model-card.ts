/** A model card (Mitchell et al., "Model cards for model reporting", 2019): what a person has to know before using a model. */
import { NONE_OF_THESE } from '../names.js'
import { type ModelDescription, NOT_NORMALISED } from './model-format.js'
import { snippetFor } from './snippets.js'
import type { TestImages } from './test-images.js'

const percent = (share: number): string => `${(100 * share).toFixed(1)} %`
const number = (count: number): string => count.toLocaleString('en-US')

/** Names come from folders and may hold anything. */
const plain = (text: string): string => text.replace(/[\\`*_{}[\]()<>#!|~]/g, '\\$&').replace(/[\r\n]+/g, ' ')

/** @param file the model's file name */
export function modelCard(file: string, description: ModelDescription, tested: TestImages): string {
  const sections = [
    [`# ${plain(description.run)}`, whatItIs(description)],
    ['## Trained on', trainedOn(description)],
    ['## How good it is', accuracy(description)],
    ['## Limits', limits(description)],
    ['## In and out', inAndOut(description)],
    ['## How to run it', howToRun(file)],
    ['## Files', files(file, description, tested)],
  ]
  return `${sections.map(([title, text]) => `${title}\n\n${text}`).join('\n\n')}\n`
}

function whatItIs({ classes, model, notes, version, date, run, seed }: ModelDescription): string {
  return [
    `Classifies images into ${classes.length} classes: ${classes.map(plain).join(', ')}.`,
    '',
    `Features: ${plain(model)}. ${notes.map((note) => `${note[0].toUpperCase()}${note.slice(1)}.`).join(' ')}`,
    '',
    `Exported on ${date} by handful ${version} from the run "${plain(run)}", seed ${seed}.`,
  ].join('\n')
}

function trainedOn({ classes, labels, images, noneOfThese }: ModelDescription): string {
  const count =
    images === undefined ? 'The run does not say on how many images.' : `${number(images)} images.`
  if (labels === undefined) return `${count} The run does not say how many of them were labelled.`
  const total = labels.reduce((sum, each) => sum + each, 0)
  const rows = classes.map((name, i) => `| ${plain(name)} | ${number(labels[i] ?? 0)} |`)
  const none =
    noneOfThese === undefined
      ? []
      : [
          '',
          `${number(noneOfThese)} more were marked as ${NONE_OF_THESE}; the classifier was not fitted to them.`,
        ]
  return [
    `${count} ${number(total)} of them were labelled:`,
    '',
    '| class | labels |',
    '| --- | ---: |',
    ...rows,
    ...none,
  ].join('\n')
}

const JUDGED: Readonly<Record<string, string>> = {
  'test set': 'images with known classes that neither training nor the classifier has seen',
  'unseen labels': 'labelled images that the classifier was fitted without',
  'blind labels':
    'images that were drawn at random and labelled blind, each predicted by a classifier that was fitted without its label',
  'leave one out': 'labelled images, each predicted by a classifier that was fitted without its label',
}

/** Of a classifier that stands for another. */
function agreement(distilled: ModelDescription['distilled']): string[] {
  if (distilled === undefined) return []
  const { agreement: found, images, difference } = distilled
  return [
    `This is the accuracy of the whole classifier. This file holds a small one that was distilled from it: of ${number(images)} training ` +
      `images that it was not fitted to, ${percent(found.value)} (95 % interval ${percent(found.low)} to ${percent(found.high)}) get the same ` +
      `class; the largest difference between two probabilities of an image is ${difference.toFixed(3)} in the mean.`,
  ]
}

function accuracy({
  accuracy: found,
  distilled,
  calibration: { exponent, bend, doubt },
}: ModelDescription): string {
  const judged =
    found === null
      ? 'Nothing was there to judge it by.'
      : `${percent(found.value)} right (95 % interval ${percent(found.low)} to ${percent(found.high)}), judged by ` +
        `${number(found.images)} ${JUDGED[found.kind] ?? found.kind}.`
  const calibrated =
    exponent === 1 && bend === 1
      ? `Its probabilities are as the classifier says them${doubt > 0 ? `, but for a doubt of ${doubt.toFixed(3)} that so few labels leave` : ''}, not calibrated.`
      : 'Its probabilities were calibrated by labels that were left out in turn: of the images that are given 0.7, about 70 % should be right ' +
        `(exponent ${exponent.toFixed(2)}, bend ${bend.toFixed(2)}, doubt ${doubt.toFixed(3)}).`
  // What it was distilled from was calibrated or not; its own layers say what that says.
  return [judged, ...agreement(distilled), ...(distilled === undefined ? [calibrated] : [])].join('\n\n')
}

function limits({ classes, inputs: [{ size, channels }], labels }: ModelDescription): string {
  const few = labels !== undefined && Math.min(...labels) < 10
  return [
    `- It knows these ${classes.length} classes and no other: an image of something else gets one of them, often with a high probability.`,
    `- It sees ${size}x${size} pixels${channels === 1 ? ' in grey' : ''}; what is smaller than that is lost.`,
    '- Its accuracy is that on images like those it was trained on: another camera, light or background may cost much of it.',
    ...(few ? ['- Some classes had fewer than ten labels; its accuracy on these is known least.'] : []),
  ].join('\n')
}

const FITS = {
  cover: 'scaled until it covers the square, of which the middle is cut out',
  pad: 'scaled until it fits in, on white',
  stretch: 'stretched to the square',
} as const

function inAndOut(description: ModelDescription): string {
  const { inputs, batch, classes, features, square, reading, normalisation } = description
  const length =
    normalisation === NOT_NORMALISED
      ? 'the last layer before the classes'
      : 'of length 1: the product of two is how alike images are'
  const rows = inputs.map(
    ({ name, size, channels }) =>
      `- in: \`${name}\`, uint8 [${batch ?? 'batch'}, ${size}, ${size}, ${channels}], ${channels === 1 ? 'grey' : 'red, green, blue'}, rows from the top; bytes as they are`,
  )
  return [
    ...rows,
    `- out: \`probabilities\`, float32 [${batch ?? 'batch'}, ${classes.length}], in the order of the classes`,
    `- out: \`features\`, float32 [${batch ?? 'batch'}, ${features}], ${length}`,
    '',
    `An image is turned upright as EXIF says, put on white where it is transparent, ${FITS[square.fit]}, and resampled by Lanczos (3 lobes)` +
      `${square.grey === undefined ? '' : `; grey is ${square.grey}`}. Images of more than 8 bits: ${JSON.stringify(reading)}.`,
  ].join('\n')
}

function howToRun(file: string): string {
  return [
    'Node (`npm install onnxruntime-node sharp`):',
    '',
    fenced('js', snippetFor('node', file)),
    '',
    'A browser (`npm install onnxruntime-web`):',
    '',
    fenced('js', snippetFor('web', file)),
    '',
    'Python (`pip install onnxruntime pillow numpy`):',
    '',
    fenced('python', snippetFor('python', file)),
  ].join('\n')
}

const fenced = (language: string, code: string): string => `\`\`\`${language}\n${code.trimEnd()}\n\`\`\``

function files(file: string, { files: known }: ModelDescription, { images, source }: TestImages): string {
  const rows = Object.values(known).map(
    ({ name, bytes, sha256 }) => `- \`${name}\`: ${number(bytes)} bytes, sha256 \`${sha256}\``,
  )
  return [
    ...rows,
    '',
    `\`handful verify ${file}\` runs the model on the ${images.count} test images (${source}) and compares.`,
  ].join('\n')
}
