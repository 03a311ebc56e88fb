/** The library's public names: what the command line does, as functions. */
export { writeFileAtomic } from './files/atomic.js'
export type { ImageCollection, LabelledFile } from './data/collection.js'
export { decodeText, parseCsv, type CsvRow } from './files/csv.js'
export { formatCsvRow } from './files/csv-row.js'
export { LIMIT_PIXELS } from './data/decode-content.js'
export { drawLabels, labelDraws, type LabelDraws } from './data/draw-labels.js'
export {
  checkBatchSize,
  checkLabels,
  countLabels,
  imageAt,
  imageBytes,
  selectImages,
  type Images,
  type ImageSet,
  type SkippedFile,
} from './data/image-set.js'
export { LABEL_FILES, readLabelsFile, type LabelTable } from './data/labels-file.js'
export { dataFolders, type DataFolders } from './data/locate.js'
export {
  dataRoots,
  fetchFolder,
  fetchOfficial,
  verifyOfficial,
  type FileCheck,
  type OfficialSet,
  type SetCheck,
} from './data/official.js'
export { openCollection } from './data/open-collection.js'
export {
  DEFAULT_SIZE,
  fitSchema,
  openDataset,
  sizeSchema,
  type DatasetSpec,
  type OpenOptions,
} from './data/open.js'
export type { GivenImage, PixelImage } from './data/given-image.js'
export { openImages, type OpenedImages, type OpenImagesOptions } from './data/open-images.js'
export { PREDICTION_COLUMNS, writePredictions, type Predictions } from './data/predictions.js'
export type { Dataset } from './data/dataset.js'
export type { DatasetEntry, OpenActivity, OpenProgress } from './data/known-set.js'
export type { ImageReading } from './data/reading.js'
export { datasetEntry, datasets } from './data/registry.js'
export type { DataStatistics, Duplicates } from './data/image-statistics.js'
export { generateStrokes } from './data/strokes.js'
export { TestSet, type ClassScore, type TestScore } from './data/test-set.js'
export {
  AUGMENTATIONS,
  BASELINES,
  DATASETS,
  type DatasetName,
  HEADS,
  type HeadName,
  MODELS,
  type ModelName,
  POOLINGS,
  PRESETS,
  type PresetName,
  RESIZE_MODES,
  type ResizeMode,
  SECTIONS,
  STEMS,
} from './names.js'
export { HandfulError, usageError } from './errors.js'
export { pixelFeatures } from './features/baselines/pixels.js'
export { besideEachOther, extractFeatures, rawPixels } from './features/extract.js'
export * from './numerics/matrix.js'
export {
  applySmoothing,
  fitSmoothing,
  smoothedFeatures,
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
export { FeatureSpace, normalisedSpace, type SpaceContext } from './features/feature-space.js'
export {
  type FeatureSource,
  type LearnedFeatures,
  learnedFeatures,
  type Splits,
} from './features/feature-sources.js'
export { dataStatistics, listDatasets, type DatasetListing, type StatisticsRequest } from './jobs/data/run.js'
export { runFit } from './jobs/fit/run.js'
export { type FitInput, type FitOptions, fitOptionsSchema, parseFitOptions } from './jobs/fit/fit-options.js'
export type { RunContext as FitContext } from './runs/run-folder.js'
export { type PredictOptions, type PredictResult, runPredict } from './jobs/predict/run.js'
export {
  type FittedHead,
  type Head,
  headProblem,
  type HeadProblem,
  labelledRows,
  type LabelledRows,
  type RowHead,
  type PredictorParameters,
  type RowProblem,
} from './heads/head.js'
export { createHead } from './heads/registry.js'
export { combinedPropagation } from './heads/combined.js'
export { neighbourGraph, type NeighbourGraph } from './features/neighbour-graph.js'
export { labelPropagation } from './heads/label-propagation.js'
export { linearNetwork, smallNetwork } from './heads/small-network.js'
export { smoothed } from './heads/smoothed.js'
export { logisticRegression } from './heads/logistic-regression.js'
export { nearestMean } from './heads/nearest-mean.js'
export { nearestNeighbours } from './heads/nearest-neighbours.js'
export { onnxLinearAlgebra } from './numerics/onnx-linear-algebra.js'
export { poissonLearning } from './heads/poisson.js'
export { restorePredictor, sharedSearch } from './heads/predictor.js'
export { fitUnlike, restoreUnlike, UNLIKE_THRESHOLD } from './heads/unlike.js'
export { looksMirrored } from './features/mirror.js'
export { ridgeRegression } from './heads/ridge.js'
export type * from './models/model.js'
export { featureOutputs, type FeatureRequest } from './models/feature-request.js'
export { defineModel, type ModelDefinition } from './models/define-model.js'
export {
  chosenRows,
  describeLayers,
  imageDimensions,
  imageInput,
  pooledRows,
  toBytes,
  toSignedRange,
  toUnitRange,
} from './models/common.js'
export { type Optimisation, optimiserFields, type TrainingStep, trainingStep } from './models/optimise.js'
export { modelNamed, models } from './models/registry.js'
export { modelChoiceSchema, resolveAugmentation, resolveModel } from './training/model-options.js'
export { augment, type AugmentOptions, photoAugmentation, shapeAugmentation } from './training/augment.js'
export { pretrain, type Pretrained, type PretrainOptions } from './training/pretrain.js'
export type { Pooling } from './names.js'
export { type Progress, type ProgressEvent, silentProgress } from './training/progress.js'
export { RunFolder } from './runs/run-folder.js'
export { type Estimate, studentInterval, wilsonInterval } from './numerics/statistics.js'
export { runPretrain } from './jobs/pretrain/run.js'
export { runFeatures } from './jobs/features/run.js'
export { runReconstruct, runSample } from './jobs/sample/run.js'
export { loadTrainedModel } from './runs/trained-model.js'
export { resnet18, resnet18Presets } from './models/resnet18/resnet18.js'
export { trainSupervised } from './training/supervised.js'
export { fitPatches, patchNetwork, defaultPatches } from './features/baselines/patches.js'
export { fitPca, pcaNetwork } from './features/baselines/pca.js'
export { type EncoderSpace, openEncoderSpace } from './scores/encoder-space.js'
export { scoreGeneration } from './scores/scores.js'
export { scoreNetworkFor } from './scores/network-cache.js'
export { drawSamples, scoreModel } from './scores/score-model.js'
export { studyGeneration } from './study/sections/generation/generation.js'
export { runScore } from './jobs/score/run.js'
export { baselineSettings, fitBaseline, fittedNetwork } from './features/baselines/registry.js'
export { runBaselineFeatures } from './jobs/features/baseline.js'
export { type FittedFeatures, loadFittedFeatures, saveFittedFeatures } from './features/fitted.js'
export { runSupervised, supervisedJobSchema } from './jobs/supervised/run.js'
export { outlineStudy, runStudy, type StudyContext, type StudyOutline } from './study/run-study.js'
export { parseStudyOptions, type StudyInput, type StudyOptions } from './study/study-options.js'
export type { FeatureMethod } from './runs/feature-method.js'
export type { Brought, PluginRecord } from './runs/brought.js'
export { loadPlugins } from './runs/plugin.js'
export type { StageContext } from './stages/stage.js'

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
