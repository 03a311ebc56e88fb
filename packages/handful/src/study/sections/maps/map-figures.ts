/** The figures of a map of features: points coloured by class, and some of the images in their places. */
import { formatFraction } from '../../../draw/format.js'
import { mapFigure } from '../../../draw/map-figure.js'
import type { Figure } from '../../../draw/figure-frame.js'
import { methodTitle } from '../../results.js'
import type { Study } from '../../result.js'
import type { StudyMap } from './schema.js'

const SIZE = 620

/** One figure, and a second one where there are pictures. */
export function mapFigures(study: Study, map: StudyMap): Figure[] {
  if (map.x.length === 0) return []
  const { classes } = study.dataset
  const method = methodTitle(study, map.method)
  const figure = (name: string, title: string, thumbnails: boolean, caption: string): Figure => {
    const svg = mapFigure(map, classes, { size: SIZE, thumbnails, title })
    return {
      name,
      title,
      caption,
      svg,
      styled: true,
      width: Number(/ width="([\d.]+)"/.exec(svg)?.[1] ?? SIZE),
      data: {
        columns: ['point', 'x', 'y', 'class', 'picture'],
        rows: map.x.map((x, point) => [
          point,
          x,
          map.y[point],
          classes[map.label[point]] ?? '',
          Number(map.thumbnails.some((thumbnail) => thumbnail.point === point)),
        ]),
      },
    }
  }
  const facts = `purity ${map.purity.toFixed(3)}, silhouette ${formatFraction(map.silhouette)}`
  return [
    figure(
      `map-${map.method}`,
      `${method}: map of the features by class`,
      false,
      `${method}, UMAP of ${map.x.length} images: ${facts}.`,
    ),
    ...(map.thumbnails.length > 0
      ? [
          figure(
            `map-${map.method}-thumbnails`,
            `${method}: map of the features with images`,
            true,
            `${method}, the same map with some of its images.`,
          ),
        ]
      : []),
  ]
}
