/** The labelled images most like a new one, by the exported model's own features, computed here. */
import type { Store } from '../../store.js'
import type { Classifier } from './classifier.js'
import { pictureAt } from './read-picture.js'

/** So many labelled images are looked at, taken evenly from all of them. */
export const LOOKED_AT = 400

export interface Neighbour {
  readonly image: number
  readonly label: number
  /** Cosine. */
  readonly similarity: number
}

export class LabelledFeatures {
  private readonly features = new Map<number, Float32Array>()

  constructor(
    private readonly store: Store,
    private readonly classifier: Classifier,
  ) {}

  /** Features of labelled images that have none yet; told how many of how many. Ends early when `going` says so. */
  async fill(tell: (done: number, total: number) => void, going: () => boolean): Promise<void> {
    const images = this.labelled()
    let done = 0
    for (const image of images) {
      if (!going()) return
      if (!this.features.has(image)) {
        try {
          const { features } = await this.classifier.classify(
            await pictureAt(this.store.studio.thumbnail(image)),
          )
          this.features.set(image, features)
        } catch {
          // An image without a thumbnail has no place among the neighbours.
        }
      }
      tell(++done, images.length)
    }
  }

  nearest(features: Float32Array, count: number): readonly Neighbour[] {
    return [...this.features]
      .map(([image, other]) => ({
        image,
        label: this.store.labels[image] ?? -1,
        similarity: dot(features, other),
      }))
      .filter(({ label }) => label >= 0)
      .sort((a, b) => b.similarity - a.similarity)
      .slice(0, count)
  }

  private labelled(): readonly number[] {
    const all: number[] = []
    for (let image = 0; image < this.store.labels.length; image++)
      if (this.store.labels[image] >= 0) all.push(image)
    if (all.length <= LOOKED_AT) return all
    return Array.from({ length: LOOKED_AT }, (_, k) => all[Math.floor((k * all.length) / LOOKED_AT)])
  }
}

function dot(a: Float32Array, b: Float32Array): number {
  let sum = 0
  for (let k = 0; k < a.length; k++) sum += a[k] * b[k]
  return sum
}
