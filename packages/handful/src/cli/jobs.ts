/**
 * The jobs behind the commands. The command line knows them by these signatures alone and loads them only when one
 * runs, so that help stays fast and tests can put in their own.
 */
import type { FitContext, FitOptions, JobContext } from '../experiments/fit-options.js'
import type { PredictOptions, PredictResult } from '../experiments/predict-options.js'
import type { RunReport } from '../report/types.js'

export type FitJob = (options: FitOptions, context: FitContext) => Promise<RunReport>
export type PredictJob = (options: PredictOptions, context: JobContext) => Promise<PredictResult>

export interface Jobs {
  fit(): Promise<FitJob>
  predict(): Promise<PredictJob>
}

/** The product's own jobs. */
export const jobs: Jobs = {
  fit: async () => (await import('../experiments/fit.js')).runFit,
  predict: async () => (await import('../experiments/predict.js')).runPredict,
}
