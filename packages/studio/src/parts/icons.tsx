/** Line icons, 20 pixels, drawn for this page. */
import type { ViewName } from '../logic/route.js'

const PATHS = {
  images: 'M3 4.5h14v11H3zM3 13l4-4 4 4 2.5-2.5L17 14M13 7.6h.01',
  train: 'M3 16.5h14M3.5 4c1 8 5 10 13 10M5.5 14v-1M9 15v-4M13 15V8',
  noise:
    'M4 4h.01M8 4h.01M12 4h.01M16 4h.01M4 8h.01M8 8h.01M12 8h.01M16 8h.01M4 12h.01M8 12h.01M12 12h.01M16 12h.01M4 16h.01M8 16h.01M12 16h.01M16 16h.01',
  map: 'M5 6.5h.01M8 4.5h.01M8.6 8h.01M14 5.5h.01M16 8.5h.01M6 14.5h.01M9 16h.01M9.5 13h.01M14.5 13.5h.01M13 9h.01',
  label: 'M3 4h7l7 7-6 6-8-7zM6.5 7.5h.01',
  results: 'M3 3h6v6H3zM11 11h6v6h-6zM11 3h6v6h-6zM3 11h6v6H3z',
  use: 'M10 3v9M6.5 8.5 10 12l3.5-3.5M4 16.5h12',
  search: 'M9 3.5a5.5 5.5 0 1 1 0 11 5.5 5.5 0 0 1 0-11M13 13l4 4',
  undo: 'M7 5 3.5 8.5 7 12M4 8.5h8a4 4 0 0 1 0 8H9',
  redo: 'M13 5l3.5 3.5L13 12M16 8.5H8a4 4 0 0 0 0 8h3',
  folder: 'M2.5 5h5l2 2.5h8v8h-15z',
  run: 'M4 3.5 16 10 4 16.5z',
  up: 'M10 16V4.5M5 9.5l5-5 5 5',
  back: 'M12.5 4.5 7 10l5.5 5.5',
  forward: 'M7.5 4.5 13 10l-5.5 5.5',
  close: 'M5 5l10 10M15 5 5 15',
  edit: 'M4 10h.01M10 10h.01M16 10h.01',
  small: 'M4 4h5v5H4zM11 4h5v5h-5zM4 11h5v5H4zM11 11h5v5h-5z',
  download: 'M10 3v9M6.5 8.5 10 12l3.5-3.5M4 16.5h12',
  move: 'M10 3v14M3 10h14M10 3 8 5M10 3l2 2M10 17l-2-2M10 17l2-2M3 10l2-2M3 10l2 2M17 10l-2-2M17 10l-2 2',
  lasso: 'M6 13.5C1 10 4 4 10.5 4S18 9.500 14 12c-3 2-7 .5-8 1.500s1 3-1.500 3',
  frame: 'M4 4h2M9 4h2M14 4h2v2M16 9v2M16 14v2h-2M11 16H9M6 16H4v-2M4 11V9M4 6V4',
  alike:
    'M7 4.500a3.500 3.500 0 1 1 0 7 3.500 3.500 0 0 1 0-7M13 8.500a3.500 3.500 0 1 1 0 7 3.500 3.500 0 0 1 0-7',
} as const satisfies Record<ViewName | string, string>

export type IconName = keyof typeof PATHS

export function Icon({ name, size = 20 }: { name: IconName; size?: number }) {
  const dotted = name === 'noise' || name === 'map' || name === 'edit'
  return (
    <svg
      width={size}
      height={size}
      viewBox="0 0 20 20"
      fill="none"
      stroke="currentColor"
      stroke-width={dotted ? 2.4 : 1.6}
      stroke-linecap="round"
      stroke-linejoin="round"
      aria-hidden="true"
    >
      <path d={PATHS[name]} />
    </svg>
  )
}
