/**
 * A process that fits heads for a study, one at a time, and ends with it. It keeps the features of the cell that it worked on
 * last: the fits of one method follow each other.
 */
import { onnxLinearAlgebra } from '../numerics/onnx-linear-algebra.js'
import type { FeatureSpace } from '../features/feature-space.js'
import { loadSpace } from '../features/space-files.js'
import { fitDraw, type FittedDraw } from './draw-fit.js'
import type { FitReply, FitRequest } from './draw-fit-messages.js'
import { studyHead } from './study-heads.js'

let linearAlgebra: ReturnType<typeof onnxLinearAlgebra> | undefined
const shelf = new Map<string, FeatureSpace>()

async function answer({ folder, threads, device, fit }: FitRequest): Promise<FittedDraw> {
  linearAlgebra ??= onnxLinearAlgebra({ threads, device })
  const { bank } = fit
  const wanted = new Set(fit.banks.map(({ file }) => file))
  // The features of other cells go before these come.
  for (const file of shelf.keys()) if (!wanted.has(file)) shelf.delete(file)
  const space = shelf.get(bank.file) ?? (await loadSpace(folder, bank, { linearAlgebra }))
  shelf.set(bank.file, space)
  return fitDraw(space, studyHead(fit.head, fit.labelled), fit)
}

async function serve(request: FitRequest): Promise<void> {
  const { id } = request
  let reply: FitReply
  try {
    reply = { id, fitted: await answer(request) }
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
