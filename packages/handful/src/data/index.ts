/** The data layer's public names. Test labels are reachable through `TestSet.score` alone. */

export { writeFileAtomic } from '../files/atomic.js'
export type { ImageCollection, LabelledFile } from './collection.js'
export { decodeText, formatCsvRow, parseCsv, type CsvRow } from '../files/csv.js'
export { LIMIT_PIXELS, type SquareFit } from './decode.js'
export { drawLabels, labelDraws, type LabelDraws } from './draw-labels.js'
export {
  checkBatchSize,
  checkLabels,
  countLabels,
  imageAt,
  imageBytes,
  selectImages,
  type Dataset,
  type Images,
  type ImageSet,
  type SkippedFile,
} from './image-set.js'
export { LABEL_FILES, readLabelsFile, type LabelRow } from './labels-file.js'
export { dataFolders, type DataFolders } from './locate.js'
export {
  dataRoots,
  fetchFolder,
  fetchOfficial,
  verifyOfficial,
  type FileCheck,
  type OfficialSet,
  type SetCheck,
} from './official.js'
export { openCollection } from './open-collection.js'
export {
  DEFAULT_SIZE,
  fitSchema,
  openDataset,
  sizeSchema,
  type DatasetSpec,
  type OpenOptions,
} from './open.js'
export { openImages, type OpenImagesOptions } from './open-images.js'
export { PREDICTION_COLUMNS, writePredictions, type Predictions } from './predictions.js'
export {
  datasetEntry,
  datasetNames,
  datasets,
  type DatasetEntry,
  type DatasetName,
  type OpenActivity,
  type OpenProgress,
} from './registry.js'
export type { DataStatistics, Duplicates } from './image-statistics.js'
export { generateStrokes } from './strokes.js'
export { TestSet, type ClassScore, type TestScore } from './test-set.js'
