/**
 * The jobs behind the commands. The command line knows them by these signatures alone and loads them only when one
 * runs, so that help stays fast and tests can put in their own.
 */
import type { FitOptions } from '../jobs/fit-options.js'
import type { BaselineFeaturesOptions } from '../jobs/baseline-features.js'
import type { FeaturesOptions, FeaturesResult } from '../jobs/features.js'
import type { MapJobOptions, MapResult } from '../jobs/map.js'
import type { PredictOptions, PredictResult } from '../jobs/predict-options.js'
import type { PretrainJobOptions, PretrainResult } from '../jobs/pretrain.js'
import type { PictureResult, ReconstructOptions, SampleJobOptions } from '../jobs/sample.js'
import type { ScoreJobOptions, ScoreResult } from '../jobs/score.js'
import type { SupervisedJobOptions, SupervisedResult } from '../jobs/supervised.js'
import type { SweepJobOptions, SweepResult } from '../jobs/sweep.js'
import type { RunReport } from '../draw/run-report.js'
import type { StudyJobs } from './study-jobs.js'
import type { RunContext } from '../runs/run-folder.js'
import type { JobContext } from '../training/progress.js'

export type FitJob = (options: FitOptions, context: RunContext) => Promise<RunReport>
export type PredictJob = (options: PredictOptions, context: JobContext) => Promise<PredictResult>
export type PretrainJob = (options: PretrainJobOptions, context: RunContext) => Promise<PretrainResult>
export type SampleJob = (options: SampleJobOptions, context: JobContext) => Promise<PictureResult>
export type ReconstructJob = (options: ReconstructOptions, context: JobContext) => Promise<PictureResult>
export type MapJob = (options: MapJobOptions, context: JobContext) => Promise<MapResult>
export type FeaturesJob = (options: FeaturesOptions, context: JobContext) => Promise<FeaturesResult>

export type BaselineFeaturesJob = (
  options: BaselineFeaturesOptions,
  context: JobContext,
) => Promise<FeaturesResult>
export type ScoreJob = (options: ScoreJobOptions, context: JobContext) => Promise<ScoreResult>
export type SupervisedJob = (options: SupervisedJobOptions, context: RunContext) => Promise<SupervisedResult>

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
  fit: async () => (await import('../jobs/fit.js')).runFit,
  predict: async () => (await import('../jobs/predict.js')).runPredict,
  pretrain: async () => (await import('../jobs/pretrain.js')).runPretrain,
  sample: async () => (await import('../jobs/sample.js')).runSample,
  reconstruct: async () => (await import('../jobs/sample.js')).runReconstruct,
  features: async () => (await import('../jobs/features.js')).runFeatures,
  map: async () => (await import('../jobs/map.js')).runMap,
  baselineFeatures: async () => (await import('../jobs/baseline-features.js')).runBaselineFeatures,
  score: async () => (await import('../jobs/score.js')).runScore,
  supervised: async () => (await import('../jobs/supervised.js')).runSupervised,
  sweep: async () => (await import('../jobs/sweep.js')).runSweep,
  study: async () => (await import('./study-jobs.js')).studyJobs,
}
