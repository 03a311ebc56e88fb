/** `handful export`: a run's classifier as one ONNX file, to take away. */
import { CLASSIFYING_RUNS } from '../../names.js'
import { usageError } from '../../errors.js'
import { jobCommand } from '../command-entry.js'
import { flag, text } from '../option.js'
import { machineOptions } from '../option-groups.js'

export const exportCommand = jobCommand({
  name: 'export',
  summary: 'write the classifier of a run as one ONNX file',
  description:
    'Writes the classifier of a run as one ONNX file, from the bytes of an image to probabilities, for\n' +
    'onnxruntime in Python, Node and browsers. Beside it: what it says of itself (.json), test inputs with\n' +
    'expected outputs (.test.safetensors), a model card (.card.md), and try.html, a page that classifies\n' +
    'dropped and drawn images without any network.\n' +
    'A classifier by label propagation holds the features of all training images. With --distil a small one\n' +
    'is trained on what it says of them; how often both agree is measured and told.',
  usage: '<run> --out <model.onnx> [options]',
  arguments: { run: ['<run>', 'a folder that "handful fit" has written'] },
  options: {
    out: text('<model.onnx>', 'the file; what belongs to it lies beside it'),
    distil: flag('a small classifier in place of one that holds all training images'),
    page: text('<file.html>', 'the page (try.html beside the model)'),
    ...machineOptions,
  },
  examples: [
    {
      command: 'handful export runs/photos --out photos/model.onnx --distil',
      does: 'a file whose size does not grow with the images',
    },
    {
      command: 'handful export runs/photos --out photos/model.onnx',
      does: 'the model and all that belongs to it',
    },
    {
      command: 'handful verify photos/model.onnx',
      does: 'on another machine: whether it gives the same there',
    },
  ],
  async prepare({ out, ...given }, session) {
    if (out === undefined)
      throw usageError({
        what: '--out',
        got: 'none',
        expected: 'the name of a file',
        hint: 'for example --out model.onnx',
      })
    const { runOfCommand } = await import('../run-of-command.js')
    await runOfCommand(given.run, CLASSIFYING_RUNS, () => 'it has no classifier; handful fit makes one')
    return { ...given, out, date: session.date() }
  },
  run: async ({ run, ...options }, context) =>
    (await import('../../exports/export-model.js')).exportModel(run, options, context),
  show({ metadata, ...result }, _, { quiet }) {
    const { files, bytes, difference, testImages, notes } = result
    const size = bytes < 1e6 ? `${Math.ceil(bytes / 1e3)} kB` : `${(bytes / 1e6).toFixed(1)} MB`
    const checked =
      `${size}, ${metadata.classes.length} classes; on ${testImages} images its probabilities are those of ` +
      `handful predict to ${difference.toExponential(0)}`
    const { distilled } = metadata
    const agrees =
      distilled === undefined
        ? []
        : [
            `distilled: ${(100 * distilled.agreement.value).toFixed(1)} % of ${distilled.images} training images that it was not fitted to get the class of the whole classifier`,
          ]
    return {
      json: { ...result, metadata },
      lines: files,
      messages: quiet ? [] : [checked, ...agrees, ...notes],
    }
  },
})
