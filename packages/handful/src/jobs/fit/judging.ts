/** What judges a fit without a test set, of the labels that its images have. */
import { labelsKey } from '../../data/content.js'
import type { Dataset } from '../../data/dataset.js'
import { filesOfFrames } from '../../data/frames.js'
import { contentKey } from '../../files/content-key.js'
import type { JudgingLabels } from '../../heads/judges.js'

/** Labels of the training images beside those of a draw. */
export function judgingLabels({ train, blind, accepted }: Dataset): JudgingLabels {
  const rowsOf = (wanted: ReadonlySet<string>): number[] =>
    train.paths.flatMap((file, row) => (wanted.has(file) ? [row] : []))
  const drawn = blind?.size ? rowsOf(blind) : undefined
  const ofClass = drawn?.filter((row) => train.labels[row] >= 0)
  return {
    known: train.labels,
    sources: filesOfFrames(train.paths),
    accepted: accepted?.size ? new Set(rowsOf(accepted)) : undefined,
    blind: drawn && ofClass && { rows: new Set(ofClass), ofNone: drawn.length - ofClass.length },
  }
}

/** Of what judges beside the labels that a draw is fitted to. */
export const judgesKey = ({ train, blind }: Dataset): string =>
  contentKey([labelsKey(train.labels, train.classNames), [...(blind ?? [])].sort()])
