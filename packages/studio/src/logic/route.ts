/** Views and their addresses: `#/label`. */

export const VIEWS = ['images', 'train', 'noise', 'map', 'label', 'results', 'use'] as const
export type ViewName = (typeof VIEWS)[number]

export function viewOf(hash: string): ViewName {
  const name = hash.replace(/^#\/?/, '').split('?')[0]
  return VIEWS.find((view) => view === name) ?? 'images'
}

export const TITLES: Readonly<Record<ViewName, string>> = {
  images: 'Images',
  train: 'Train',
  noise: 'Noise',
  map: 'Map',
  label: 'Label',
  results: 'Results',
  use: 'Use',
}
