/**
 * The jobs behind the commands. The command line knows them by these signatures alone and loads them only when one
 * runs, so that help stays fast and tests can put in their own.
 */
import type { FitContext, FitOptions, JobContext } from '../jobs/fit-options.js'
import type { BaselineFeaturesOptions } from '../jobs/features/baseline.js'
import type { FeaturesOptions, FeaturesResult } from '../jobs/features/run.js'
import type { MapJobOptions, MapResult } from '../jobs/map/run.js'
import type { PredictOptions, PredictResult } from '../jobs/predict-options.js'
import type { PretrainJobOptions, PretrainResult } from '../jobs/pretrain/run.js'
import type { PictureResult, ReconstructOptions, SampleJobOptions } from '../jobs/sample/run.js'
import type { ScoreJobOptions, ScoreResult } from '../jobs/score/run.js'
import type { SupervisedJobOptions, SupervisedResult } from '../jobs/supervised/run.js'
import type { SweepJobOptions, SweepResult } from '../jobs/sweep/run.js'
import type { RunReport } from '../draw/run-report.js'
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
  fit: async () => (await import('../jobs/fit.js')).runFit,
  predict: async () => (await import('../jobs/predict.js')).runPredict,
  pretrain: async () => (await import('../jobs/pretrain/run.js')).runPretrain,
  sample: async () => (await import('../jobs/sample/run.js')).runSample,
  reconstruct: async () => (await import('../jobs/sample/run.js')).runReconstruct,
  features: async () => (await import('../jobs/features/run.js')).runFeatures,
  map: async () => (await import('../jobs/map/run.js')).runMap,
  baselineFeatures: async () => (await import('../jobs/features/baseline.js')).runBaselineFeatures,
  score: async () => (await import('../jobs/score/run.js')).runScore,
  supervised: async () => (await import('../jobs/supervised/run.js')).runSupervised,
  sweep: async () => (await import('../jobs/sweep/run.js')).runSweep,
  study: async () => (await import('./study-jobs.js')).studyJobs,
}
