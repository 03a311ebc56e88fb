/** A map's two figures as files: points, and pictures in their places. */
import path from 'node:path'
import { writeFileAtomic } from '../files/atomic.js'
import { mapFigure, type MapPoints } from './map-figure.js'

/** @throws HandfulError if a file cannot be written */
export async function saveMapFigures(
  folder: string,
  map: MapPoints,
  classes: readonly string[],
  title: string,
): Promise<{ points: string; thumbnails: string }> {
  const [points, thumbnails] = ['map.svg', 'map-thumbnails.svg'].map((name) => path.join(folder, name))
  await writeFileAtomic(points, mapFigure(map, classes, { title }))
  await writeFileAtomic(thumbnails, mapFigure(map, classes, { title, thumbnails: true }))
  return { points, thumbnails }
}
