/** Images opened for a job: those for training, with what is known of their labels, and those held out for scoring. */

import type { ImageSet, SkippedFile } from './image-set.js'
import type { ImageReading } from './reading.js'
import type { TestSet } from './test-set.js'

/** An opened data set: training images with the labels that are known, and a test split whose labels nobody sees. */
export interface Dataset {
  readonly name: string
  readonly train: ImageSet
  /** Images held out for scoring, where the data set has such a split. */
  readonly test?: TestSet
  /** How files became images, for new ones to be read in the same way; undefined where there were no image files. */
  readonly reading?: ImageReading
  readonly skipped: readonly SkippedFile[]
  /** Paths of training images that are known to be of none of the classes: they have no label, and get no prediction. */
  readonly noneOfThese?: ReadonlySet<string>
  /**
   * Paths of training images that were drawn at random and labelled without a prediction in sight: they tell how often predictions
   * are right. Those without a class are of none of the classes.
   */
  readonly blind?: ReadonlySet<string>
  /** Paths of training images whose label is a prediction that was accepted with others: it teaches and proves nothing. */
  readonly accepted?: ReadonlySet<string>
  /** One line with counts on how a folder was understood. */
  readonly understood?: string
  /** Sentences for the user about how the data was understood, such as a split that was left out. */
  readonly notes: readonly string[]
}
