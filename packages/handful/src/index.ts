/** The library's public names: what the command line does, as functions. */
export * from './data/index.js'
export { HandfulError, usageError } from './errors.js'
export { besideEachOther, extractFeatures, rawPixels } from './features/extract.js'
export * from './features/matrix.js'
export {
  applySmoothing,
  fitSmoothing,
  smoothedReferences,
  type Smoothing,
  type SmoothingOptions,
} from './features/smoothing.js'
export { type LinearAlgebra, plainLinearAlgebra } from './features/linear-algebra.js'
export {
  applyNormalisation,
  fitNormalisation,
  type Normalisation,
  type NormalisationOptions,
} from './features/normalise.js'
export { type Classifier, loadClassifier, saveClassifier } from './experiments/classifier.js'
export { type EncoderOptions, fitEncoder } from './experiments/encoder.js'
export { comparedHeads, compareHeads, type Comparison } from './experiments/compare-heads.js'
export {
  type FeatureSet,
  labelDraws,
  type LabelDraws,
  type LearnedFeatures,
  learnedFeatures,
  pixelFeatures,
  type Splits,
} from './experiments/feature-sets.js'
export { runFit } from './experiments/fit.js'
export {
  type FitContext,
  type FitInput,
  type FitOptions,
  fitOptionsSchema,
} from './experiments/fit-options.js'
export { runPredict } from './experiments/predict.js'
export type { PredictOptions, PredictResult } from './experiments/predict-options.js'
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
export { onnxLinearAlgebra } from './heads/nearest-onnx.js'
export { poissonLearning } from './heads/poisson.js'
export { restorePredictor } from './heads/predictor.js'
export { ridgeRegression } from './heads/ridge.js'
export type * from './models/model.js'
export { featureOutputs } from './models/model.js'
export { vae, type VaeConfig } from './models/vae.js'
export { vqVae, type VqVaeConfig } from './models/vqvae.js'
export { diffusion } from './models/diffusion.js'
export { gan } from './models/gan.js'
export { modelNamed, modelNames } from './models/registry.js'
export { modelChoiceSchema, resolveAugmentation, resolveModel } from './experiments/model-options.js'
export { augment, type AugmentOptions, photoAugmentation, shapeAugmentation } from './training/augment.js'
export { pretrain, type Pretrained, type PretrainOptions } from './training/pretrain.js'
export { type Progress, type ProgressEvent, silentProgress } from './training/progress.js'
export { RunFolder } from './training/run-folder.js'
export { type Estimate, studentInterval, wilsonInterval } from './report/statistics.js'
export { runPretrain } from './experiments/pretrain-job.js'
export { runFeatures } from './experiments/features-job.js'
export { runReconstruct, runSample } from './experiments/sample-job.js'
export { loadTrainedModel } from './experiments/trained-model.js'
export { resnet18, resnet18Presets } from './models/resnet18.js'
export { trainSupervised } from './training/supervised.js'
export { fitPatches, patchNetwork, defaultPatches } from './features/patches.js'
export { fitPca, pcaNetwork } from './features/pca.js'
export { scoreGeneration } from './experiments/generation/scores.js'
export { scoreNetworkFor } from './experiments/generation/network-cache.js'
export { drawSamples, scoreModel } from './experiments/generation/score-model.js'
export { studyGeneration } from './experiments/study/generation.js'
export { runScore } from './experiments/score-job.js'
export { baselineSettings, fitBaseline, fittedNetwork } from './experiments/baseline-network.js'
export { runBaselineFeatures } from './experiments/baseline-features.js'
export { type FittedFeatures, loadFittedFeatures, saveFittedFeatures } from './features/fitted.js'
export { runSupervised, supervisedJobSchema } from './experiments/supervised-job.js'
export { outlineStudy, runStudy, type StudyContext, type StudyOutline } from './experiments/study/run.js'
export { parseStudyOptions, type StudyInput, type StudyOptions } from './experiments/study/options.js'
export { type FeatureMethod, type FeatureSource } from './experiments/study/sources.js'
export { type Study, studySchema } from './report/study/types.js'
export { umapLayout, type UmapOptions } from './features/umap.js'
export {
  neighbourhoodPurity,
  type Purity,
  silhouette,
  type SilhouetteOptions,
} from './features/neighbourhood.js'
export { runSweep, type SweepJobOptions, type SweepResult } from './experiments/sweep-job.js'
export { loadStudy, type StudyReportOptions, writeStudyReport } from './report/study/write.js'
export { runMap, type MapJobOptions, type MapResult } from './experiments/map-job.js'
export { atlasCommand, type AtlasContent, writeAtlas } from './experiments/study/atlas.js'
export { mapFigure, type MapFigureOptions, type MapPoints } from './report/map-figure.js'
