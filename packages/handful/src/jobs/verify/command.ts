/** `handful verify`: whether an exported model is whole and gives what it gave when it was written. */
import { jobCommand } from '../command-entry.js'
import { plainMachineOptions } from '../option-groups.js'

export const verify = jobCommand({
  name: 'verify',
  summary: 'check an exported model',
  description:
    'Checks a model that "handful export" wrote: its files are those that were written, and on the test\n' +
    'inputs beside it, it gives the expected probabilities. The exit status is 1 where it does not.',
  usage: '<model.onnx> [options]',
  arguments: { file: ['<model.onnx>', 'the file, with its .json and .test.safetensors beside it'] },
  options: plainMachineOptions,
  examples: [{ command: 'handful verify photos/model.onnx', does: 'one line, and an exit status' }],
  prepare: (given) => given,
  run: async (options, context) =>
    (await import('../../exports/verify-model.js')).verifyModel(options, context),
  show: ({ metadata, ...result }) => ({
    json: { ...result, metadata },
    lines: [
      `${result.file}: as it was written; ${result.images} test images, probabilities within ${result.difference.toExponential(0)} of the expected ones` +
        (metadata.distilled === undefined
          ? ''
          : `; distilled, the class of the whole classifier for ${metadata.distilled.test.same} of them`),
    ],
  }),
})
