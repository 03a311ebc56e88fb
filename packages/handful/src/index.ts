/** The library's public names: what the command line does, as functions. */
export * from './data/index.js'
export { HandfulError, usageError } from './errors.js'
export { besideEachOther, extractFeatures, rawPixels } from './features/extract.js'
export * from './numerics/matrix.js'
export {
  applySmoothing,
  fitSmoothing,
  smoothedReferences,
  type Smoothing,
  type SmoothingOptions,
} from './features/smoothing.js'
export { type LinearAlgebra, plainLinearAlgebra } from './numerics/linear-algebra.js'
export {
  applyNormalisation,
  fitNormalisation,
  type Normalisation,
  type NormalisationOptions,
} from './features/normalise.js'
export { type Classifier, loadClassifier, saveClassifier } from './runs/classifier.js'
export { type EncoderOptions, fitEncoder } from './features/encoder.js'
export { comparedHeads, compareHeads, type Comparison } from './heads/compare-heads.js'
export {
  type FeatureSet,
  labelDraws,
  type LabelDraws,
  type LearnedFeatures,
  learnedFeatures,
  pixelFeatures,
  type Splits,
} from './features/feature-sets.js'
export { dataStatistics, listDatasets, type DatasetListing, type StatisticsRequest } from './jobs/data/run.js'
export { runFit } from './jobs/fit/run.js'
export { type FitInput, type FitOptions, fitOptionsSchema } from './jobs/fit/fit-options.js'
export type { RunContext as FitContext } from './runs/run-folder.js'
export { type PredictOptions, type PredictResult, runPredict } from './jobs/predict/run.js'
export { type FittedHead, type Head, type HeadProblem } from './heads/head.js'
export { createHead, HEAD_NAMES, type HeadName } from './heads/registry.js'
export { combinedPropagation } from './heads/combined.js'
export { neighbourGraph, type NeighbourGraph } from './features/neighbour-graph.js'
export { labelPropagation } from './heads/label-propagation.js'
export { linearNetwork, smallNetwork } from './heads/small-network.js'
export { smoothed, smoothedFeatures } from './heads/smoothed.js'
export { logisticRegression } from './heads/logistic-regression.js'
export { nearestMean } from './heads/nearest-mean.js'
export { nearestNeighbours } from './heads/nearest-neighbours.js'
export { onnxLinearAlgebra } from './numerics/onnx-linear-algebra.js'
export { poissonLearning } from './heads/poisson.js'
export { restorePredictor } from './heads/predictor.js'
export { ridgeRegression } from './heads/ridge.js'
export type * from './models/model.js'
export { featureOutputs } from './models/model.js'
export { vae, type VaeConfig } from './models/vae/vae.js'
export { vqVae, type VqVaeConfig } from './models/vqvae/vqvae.js'
export { diffusion } from './models/diffusion/diffusion.js'
export { gan } from './models/gan/gan.js'
export { modelNamed, modelNames } from './models/registry.js'
export { modelChoiceSchema, resolveAugmentation, resolveModel } from './training/model-options.js'
export { augment, type AugmentOptions, photoAugmentation, shapeAugmentation } from './training/augment.js'
export { pretrain, type Pretrained, type PretrainOptions } from './training/pretrain.js'
export { type Progress, type ProgressEvent, silentProgress } from './training/progress.js'
export { RunFolder } from './runs/run-folder.js'
export { type Estimate, studentInterval, wilsonInterval } from './numerics/statistics.js'
export { runPretrain } from './jobs/pretrain/run.js'
export { runFeatures } from './jobs/features/run.js'
export { runReconstruct, runSample } from './jobs/sample/run.js'
export { loadTrainedModel } from './runs/trained-model.js'
export { resnet18, resnet18Presets } from './models/resnet18/resnet18.js'
export { trainSupervised } from './training/supervised.js'
export { fitPatches, patchNetwork, defaultPatches } from './features/patches.js'
export { fitPca, pcaNetwork } from './features/pca.js'
export { scoreGeneration } from './scores/scores.js'
export { scoreNetworkFor } from './scores/network-cache.js'
export { drawSamples, scoreModel } from './scores/score-model.js'
export { studyGeneration } from './study/sections/generation/generation.js'
export { runScore } from './jobs/score/run.js'
export { baselineSettings, fitBaseline, fittedNetwork } from './features/baseline-network.js'
export { runBaselineFeatures } from './jobs/features/baseline.js'
export { type FittedFeatures, loadFittedFeatures, saveFittedFeatures } from './features/fitted.js'
export { runSupervised, supervisedJobSchema } from './jobs/supervised/run.js'
export { outlineStudy, runStudy, type StudyContext, type StudyOutline } from './study/run.js'
export { parseStudyOptions, type StudyInput, type StudyOptions } from './study/study-options.js'
export { type FeatureMethod, type FeatureSource } from './study/sources.js'
export { type FullStudy as Study, studySchema } from './study/all-sections.js'
export { umapLayout, type UmapOptions } from './features/umap.js'
export {
  neighbourhoodPurity,
  type Purity,
  silhouette,
  type SilhouetteOptions,
} from './features/neighbourhood.js'
export { runSweep, type SweepJobOptions, type SweepResult } from './jobs/sweep/run.js'
export { loadStudy, type StudyReportOptions, writeStudyReport } from './study/report/write.js'
export { runMap, type MapJobOptions, type MapResult } from './jobs/map/run.js'
export { atlasCommand, type AtlasContent, writeAtlas } from './study/sections/atlas/atlas.js'
export { mapFigure, type MapFigureOptions, type MapPoints } from './draw/map-figure.js'
