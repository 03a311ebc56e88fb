/**
 * A process that fits heads for a study, one at a time, and ends with it. It keeps the features that it worked on last:
 * the fits of one method follow each other.
 */
import { onnxLinearAlgebra } from '../numerics/onnx-linear-algebra.js'
import type { FeatureSpace } from '../features/feature-space.js'
import { loadSpace } from '../features/space-files.js'
import { fitDraw } from './draw-fit.js'
import type { FitReply, FitRequest } from './draw-fit-messages.js'
import { studyHead } from './study-heads.js'

let linearAlgebra: ReturnType<typeof onnxLinearAlgebra> | undefined
let shelf: { readonly file: string; readonly space: FeatureSpace } | undefined

async function answer({ folder, threads, device, fit }: FitRequest): Promise<Int32Array> {
  linearAlgebra ??= onnxLinearAlgebra({ threads, device })
  if (shelf?.file !== fit.bank.file) {
    // The features before it go before these come.
    shelf = undefined
    shelf = { file: fit.bank.file, space: await loadSpace(folder, fit.bank, { linearAlgebra }) }
  }
  return fitDraw(shelf.space, studyHead(fit.head, fit.labelled), fit)
}

async function serve(request: FitRequest): Promise<void> {
  const { id } = request
  let reply: FitReply
  try {
    reply = { id, predicted: await answer(request) }
  } catch (error) {
    reply = { id, error: error instanceof Error ? error.message || error.name : String(error) }
  }
  process.send?.(reply)
}

// Ctrl-C reaches every process of a terminal: the study itself says when this one is to end.
process.on('SIGINT', () => undefined)
process.on('disconnect', () => process.exit())
let queue: Promise<void> = Promise.resolve()
process.on('message', (request: FitRequest) => {
  queue = queue.then(() => serve(request))
})
