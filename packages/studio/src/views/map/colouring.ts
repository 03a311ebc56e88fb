/** The colours of the points: by label, prediction, confidence or group; those that a filter leaves out stay grey behind. */
import { classColour, confidenceColour, rgb, type Rgb } from '../../logic/colours.js'

export type ColourBy = 'label' | 'predicted' | 'confidence' | 'cluster'

export interface Coloured {
  readonly labels: ArrayLike<number>
  readonly predicted: ArrayLike<number>
  readonly confidence: ArrayLike<number>
  readonly clusters: ArrayLike<number>
}

const BEHIND: Rgb = [140, 148, 158]
const BEHIND_ALPHA = 70

/** `[count * 4]` bytes for `PointPainter.setColours`. `shown`: the images that stand out, or undefined for all. */
export function pointColours(
  count: number,
  by: ColourBy,
  facts: Coloured,
  shown: ArrayLike<number> | undefined,
): Uint8Array {
  const colours = new Uint8Array(count * 4)
  const palette = new Map<number, Rgb>()
  const ofClass = (id: number): Rgb => {
    const known = palette.get(id)
    if (known !== undefined) return known
    const colour = rgb(classColour(id))
    palette.set(id, colour)
    return colour
  }
  const ofImage = (image: number): Rgb => {
    if (by === 'confidence')
      return facts.predicted[image] >= 0
        ? confidenceColour((facts.confidence[image] - 0.3) / 0.7)
        : ofClass(-1)
    const source = by === 'label' ? facts.labels : by === 'predicted' ? facts.predicted : facts.clusters
    return ofClass(source[image] ?? -1)
  }
  const put = (image: number, [red, green, blue]: Rgb, alpha: number) => {
    colours[4 * image] = red
    colours[4 * image + 1] = green
    colours[4 * image + 2] = blue
    colours[4 * image + 3] = alpha
  }
  // By label, the many without one are the ground that labelled ones stand on.
  const alphaOf = (image: number) => (by === 'label' && (facts.labels[image] ?? -1) === -1 ? 120 : 255)
  if (shown === undefined)
    for (let image = 0; image < count; image++) put(image, ofImage(image), alphaOf(image))
  else {
    for (let image = 0; image < count; image++) put(image, BEHIND, BEHIND_ALPHA)
    for (let k = 0; k < shown.length; k++) put(shown[k], ofImage(shown[k]), 255)
  }
  return colours
}
