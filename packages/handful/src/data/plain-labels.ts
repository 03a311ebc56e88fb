/** Labels of a table without what programs made of them: NaN for none, numbers of classes with a fraction. */
import { listed } from './image-set.js'
import { UNLABELLED } from './split-folders.js'

/** What programs write where there is no label; a folder that is called unlabeled has none either. */
const MISSING: ReadonlySet<string> = new Set(['nan', '<na>', 'n/a', '#n/a', 'null', '?'])
const isMissing = (label: string): boolean =>
  label === 'NA' || MISSING.has(label.toLowerCase()) || UNLABELLED.test(label)

/**
 * @param table its name, for messages
 * @param notes told of what was changed
 */
export function plainLabels<R extends { readonly label: string }>(
  table: string,
  rows: readonly R[],
  notes: string[],
): readonly R[] {
  const missing = rows.filter(({ label }) => isMissing(label))
  if (missing.length > 0) {
    const images = missing.length === 1 ? 'one image has' : `${missing.length} images have`
    const words = listed([...new Set(missing.map(({ label }) => label))])
    notes.push(`${table}: ${images} ${words} for a label, which is none`)
  }
  const known = rows.map((each) => (isMissing(each.label) ? { ...each, label: '' } : each))
  const labels = known.map(({ label }) => label).filter((label) => label !== '')
  if (labels.length === 0 || !labels.every((label) => /^-?\d+\.0+$/.test(label))) return known
  const whole = (label: string): string => label.replace(/\.0+$/, '')
  notes.push(`${table}: labels are whole numbers with a fraction: ${labels[0]} is class ${whole(labels[0])}`)
  return known.map((each) => ({ ...each, label: whole(each.label) }))
}
