/**
 * A source of features that a caller brings along: in a study one more method, in `fit` a part that stands beside the
 * model's features. It sees training images without labels, names or order, and later the images to take features of.
 */
import type { Arrays } from 'onnx-autodiff'
import type { Images } from '../data/image-set.js'
import type { FeatureSource } from '../features/feature-sources.js'
import type { StageContext } from '../stages/stage.js'

/** A source of features that a caller brings: fitted to the training images, without names and labels. */
export interface FeatureMethod {
  /** A short word, as commands and files name it. */
  readonly id: string
  /** As tables name it. */
  readonly title: string
  readonly kind: 'generative' | 'baseline' | 'outside'
  /** All that its features depend on, beside images and seed: plain data. */
  readonly settings: unknown
  /** Fits what has to be fitted to the training images. */
  open(images: Images, context: StageContext): Promise<FeatureSource>
  /**
   * The same source from what `open` gave as `fitted`, without the training images: how a run of `fit` classifies new
   * images. Not needed in a study.
   *
   * @param fitted empty where `open` gave none
   */
  reopen?(
    fitted: Arrays,
    context: Pick<StageContext, 'threads' | 'device' | 'signal'>,
  ): Promise<FeatureSource>
}
