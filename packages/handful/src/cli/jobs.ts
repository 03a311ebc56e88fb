/**
 * The jobs behind the commands. The command line knows them by these signatures alone and loads them only when one
 * runs, so that help stays fast and tests can put in their own.
 */
import type { FitContext, FitOptions, JobContext } from '../experiments/fit-options.js'
import type { BaselineFeaturesOptions } from '../experiments/baseline-features.js'
import type { FeaturesOptions, FeaturesResult } from '../experiments/features-job.js'
import type { MapJobOptions, MapResult } from '../experiments/map-job.js'
import type { PredictOptions, PredictResult } from '../experiments/predict-options.js'
import type { PretrainJobOptions, PretrainResult } from '../experiments/pretrain-job.js'
import type { PictureResult, ReconstructOptions, SampleJobOptions } from '../experiments/sample-job.js'
import type { ScoreJobOptions, ScoreResult } from '../experiments/score-job.js'
import type { SupervisedJobOptions, SupervisedResult } from '../experiments/supervised-job.js'
import type { SweepJobOptions, SweepResult } from '../experiments/sweep-job.js'
import type { RunReport } from '../report/types.js'
import type { StudyJobs } from './study-jobs.js'

export type FitJob = (options: FitOptions, context: FitContext) => Promise<RunReport>
export type PredictJob = (options: PredictOptions, context: JobContext) => Promise<PredictResult>
export type PretrainJob = (options: PretrainJobOptions, context: FitContext) => Promise<PretrainResult>
export type SampleJob = (options: SampleJobOptions, context: JobContext) => Promise<PictureResult>
export type ReconstructJob = (options: ReconstructOptions, context: JobContext) => Promise<PictureResult>
export type MapJob = (options: MapJobOptions, context: JobContext) => Promise<MapResult>
export type FeaturesJob = (options: FeaturesOptions, context: JobContext) => Promise<FeaturesResult>

export type BaselineFeaturesJob = (
  options: BaselineFeaturesOptions,
  context: JobContext,
) => Promise<FeaturesResult>
export type ScoreJob = (options: ScoreJobOptions, context: JobContext) => Promise<ScoreResult>
export type SupervisedJob = (options: SupervisedJobOptions, context: FitContext) => Promise<SupervisedResult>

export type SweepJob = (options: SweepJobOptions, context: JobContext) => Promise<SweepResult>

export interface Jobs {
  fit(): Promise<FitJob>
  predict(): Promise<PredictJob>
  pretrain(): Promise<PretrainJob>
  sample(): Promise<SampleJob>
  reconstruct(): Promise<ReconstructJob>
  features(): Promise<FeaturesJob>
  map(): Promise<MapJob>
  baselineFeatures(): Promise<BaselineFeaturesJob>
  score(): Promise<ScoreJob>
  supervised(): Promise<SupervisedJob>
  sweep(): Promise<SweepJob>
  study(): Promise<StudyJobs>
}

/** The product's own jobs. */
export const jobs: Jobs = {
  fit: async () => (await import('../experiments/fit.js')).runFit,
  predict: async () => (await import('../experiments/predict.js')).runPredict,
  pretrain: async () => (await import('../experiments/pretrain-job.js')).runPretrain,
  sample: async () => (await import('../experiments/sample-job.js')).runSample,
  reconstruct: async () => (await import('../experiments/sample-job.js')).runReconstruct,
  features: async () => (await import('../experiments/features-job.js')).runFeatures,
  map: async () => (await import('../experiments/map-job.js')).runMap,
  baselineFeatures: async () => (await import('../experiments/baseline-features.js')).runBaselineFeatures,
  score: async () => (await import('../experiments/score-job.js')).runScore,
  supervised: async () => (await import('../experiments/supervised-job.js')).runSupervised,
  sweep: async () => (await import('../experiments/sweep-job.js')).runSweep,
  study: async () => (await import('./study-jobs.js')).studyJobs,
}
