/** Which images are shown: filters that all have to hold, each a chip that can be taken off. */

export interface Filters {
  /** A part of the file's path, in any case. */
  readonly search: string
  /** Labels that are let through; -1 no label, -2 none of these; empty: all. */
  readonly labels: ReadonlySet<number>
  readonly predicted: ReadonlySet<number>
  readonly clusters: ReadonlySet<number>
  /** Of the prediction, 0 to 1, both ends included. */
  readonly confidence?: readonly [low: number, high: number]
  /** A set with its name: a lasso, a cell of the confusion matrix, the images most like one. */
  readonly picked?: { readonly name: string; readonly images: ReadonlySet<number> }
}

export const NO_FILTERS: Filters = {
  search: '',
  labels: new Set(),
  predicted: new Set(),
  clusters: new Set(),
}

/** What the filters look at; each `[images]`, those that are not known yet empty. */
export interface Facts {
  readonly paths: readonly string[]
  readonly labels: ArrayLike<number>
  readonly predicted: ArrayLike<number>
  readonly confidence: ArrayLike<number>
  readonly clusters: ArrayLike<number>
}

export function isFiltered(filters: Filters): boolean {
  return (
    filters.search !== '' ||
    filters.labels.size > 0 ||
    filters.predicted.size > 0 ||
    filters.clusters.size > 0 ||
    filters.confidence !== undefined ||
    filters.picked !== undefined
  )
}

/** The images that are shown, in the catalogue's order. */
export function shownImages(count: number, filters: Filters, facts: Facts): Int32Array {
  const shown = new Int32Array(count)
  const search = filters.search.trim().toLowerCase()
  const { labels, predicted, clusters, confidence, picked } = filters
  let length = 0
  for (let image = 0; image < count; image++) {
    if (picked !== undefined && !picked.images.has(image)) continue
    if (labels.size > 0 && !labels.has(facts.labels[image] ?? -1)) continue
    if (predicted.size > 0 && !predicted.has(facts.predicted[image] ?? -1)) continue
    if (clusters.size > 0 && !clusters.has(facts.clusters[image] ?? -1)) continue
    if (confidence !== undefined) {
      const sure = facts.confidence[image]
      if (sure === undefined || sure < confidence[0] || sure > confidence[1]) continue
    }
    if (search !== '' && !(facts.paths[image] ?? '').toLowerCase().includes(search)) continue
    shown[length++] = image
  }
  return shown.slice(0, length)
}

/** With one number of a set put in or taken out. */
export function toggled(set: ReadonlySet<number>, member: number): ReadonlySet<number> {
  const next = new Set(set)
  if (!next.delete(member)) next.add(member)
  return next
}

export interface Chip {
  readonly key: string
  readonly text: string
  /** A class's number, for its colour. */
  readonly colour?: number
  readonly without: Filters
}

export function chips(filters: Filters, className: (id: number) => string): readonly Chip[] {
  const found: Chip[] = []
  const { search, labels, predicted, clusters, confidence, picked } = filters
  if (picked !== undefined)
    found.push({ key: 'picked', text: picked.name, without: { ...filters, picked: undefined } })
  for (const id of labels) {
    const without = { ...filters, labels: toggled(labels, id) }
    found.push({ key: `label ${id}`, text: labelText(id, className), colour: id, without })
  }
  for (const id of predicted) {
    const without = { ...filters, predicted: toggled(predicted, id) }
    const text = id === -1 ? 'no prediction' : `predicted ${className(id)}`
    found.push({ key: `predicted ${id}`, text, colour: id, without })
  }
  for (const id of clusters)
    found.push({
      key: `cluster ${id}`,
      text: `group ${id + 1}`,
      without: { ...filters, clusters: toggled(clusters, id) },
    })
  if (confidence !== undefined) {
    const [low, high] = confidence.map((share) => Math.round(share * 100))
    found.push({
      key: 'confidence',
      text: `${low} to ${high} % sure`,
      without: { ...filters, confidence: undefined },
    })
  }
  if (search.trim() !== '')
    found.push({ key: 'search', text: `name has “${search.trim()}”`, without: { ...filters, search: '' } })
  return found
}

export function labelText(id: number, className: (id: number) => string): string {
  if (id === -1) return 'no label'
  return id === -2 ? 'none of these' : className(id)
}
