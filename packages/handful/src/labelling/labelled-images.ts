/** A journal's labels as the fit takes them: images by their positions, classes by theirs. */
import type { Journal } from '../labels/journal.js'
import type { LabelledImages } from './quick-fit.js'

export interface RunLabels extends LabelledImages {
  /** Blind labels that say `none of these`. */
  readonly auditOfNone: number
  /** Images with a class or known to be of none, ascending. */
  readonly decided: Int32Array
}

/** Labels of images that the run does not have are left out. */
export function labelledImages(
  journal: Pick<Journal, 'labels'>,
  indexOf: (path: string) => number | undefined,
): RunLabels {
  const found: { image: number; label: number; blind: boolean; accepted: boolean }[] = []
  const decided: number[] = []
  let auditOfNone = 0
  for (const [path, { label, seen }] of journal.labels()) {
    const image = indexOf(path)
    if (image === undefined) continue
    const blind = seen === 'blind'
    decided.push(image)
    if (label === 'none') auditOfNone += Number(blind)
    else found.push({ image, label, blind, accepted: seen === 'accepted' })
  }
  found.sort((a, b) => a.image - b.image)
  const classes = [...new Set(found.map(({ label }) => label))].sort((a, b) => a - b)
  const place = new Map(classes.map((id, position) => [id, position]))
  return {
    images: Int32Array.from(found, ({ image }) => image),
    targets: Int32Array.from(found, ({ label }) => place.get(label) ?? -1),
    classes,
    audit: found.map(({ blind }) => blind),
    accepted: found.map(({ accepted }) => accepted),
    auditOfNone,
    decided: Int32Array.from(decided).sort(),
  }
}
