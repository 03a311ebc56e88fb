/** The baselines, one line each. */
import type { Images } from '../../data/image-set.js'
import type { FeatureChoice } from '../../models/feature-request.js'
import type { ImageShape } from '../../models/model.js'
import type { BaselineName } from '../../names.js'
import type {
  Baseline,
  BaselineNetwork,
  BaselineSettings,
  FitBaselineOptions,
  FittedFeatures,
} from './baseline.js'
import { patches } from './patches.js'
import { pca } from './pca.js'
import { pixels } from './pixels.js'
import { random } from './random.js'

export const baselines: Readonly<Record<BaselineName, Baseline>> = { pixels, pca, patches, random }

export const isBaselineName = (name: string): name is BaselineName => Object.hasOwn(baselines, name)

/**
 * Settings of a baseline with some of them changed.
 * @throws HandfulError (wrong use) for an unknown name or a value that does not suit
 */
export const baselineSettings = (
  name: BaselineName,
  set?: Readonly<Record<string, unknown>>,
): BaselineSettings => baselines[name].configure(set)

/** @throws HandfulError as `BaselineSettings.fit` */
export const fitBaseline = (
  baseline: BaselineSettings,
  images: Images,
  options: FitBaselineOptions,
  choice?: FeatureChoice,
): Promise<BaselineNetwork> => baseline.fit(images, options, choice)

/** The network of features that were fitted before, for images of a shape. @throws HandfulError if they don't suit */
export function fittedNetwork(fitted: FittedFeatures, image: ImageShape): BaselineNetwork {
  const kind = baselines[fitted.kind].fitted
  if (kind === undefined) throw new Error(`internal: fittedNetwork: got ${fitted.kind}, which is not fitted`)
  return kind.network(fitted, image)
}
