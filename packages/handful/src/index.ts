/** The library's public names: what the command line does, as functions. */
export * from './data/index.js'
export { HandfulError, usageError } from './errors.js'
export { besideEachOther, extractFeatures, rawPixels } from './features/extract.js'
export * from './features/matrix.js'
export { type LinearAlgebra, plainLinearAlgebra } from './features/linear-algebra.js'
export {
  applyNormalisation,
  fitNormalisation,
  type Normalisation,
  type NormalisationOptions,
} from './features/normalise.js'
export { type Classifier, loadClassifier, saveClassifier } from './experiments/classifier.js'
export { comparedHeads, compareHeads, type Comparison } from './experiments/compare-heads.js'
export {
  type FeatureSet,
  labelDraws,
  type LabelDraws,
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
export { neighbourGraph, type NeighbourGraph } from './heads/graph.js'
export { labelPropagation } from './heads/label-propagation.js'
export { linearNetwork, smallNetwork } from './heads/small-network.js'
export { logisticRegression } from './heads/logistic-regression.js'
export { nearestMean } from './heads/nearest-mean.js'
export { nearestNeighbours } from './heads/nearest-neighbours.js'
export { onnxLinearAlgebra } from './heads/nearest-onnx.js'
export { poissonLearning } from './heads/poisson.js'
export { restorePredictor } from './heads/predictor.js'
export { ridgeRegression } from './heads/ridge.js'
export type * from './models/model.js'
export { vae, type VaeConfig } from './models/vae.js'
export { vqVae, type VqVaeConfig } from './models/vqvae.js'
export { diffusion } from './models/diffusion.js'
export { gan } from './models/gan.js'
export { modelNamed, modelNames } from './models/registry.js'
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
