/** Maps of the features: training images of each method in the plane, and how far the classes are apart. */
import { contentKey } from '../../../files/content-key.js'
import { formatCount, formatFraction } from '../../../draw/format.js'
import type { BankRecord } from '../../bank.js'
import { figureBlock, numberColumns, type TableBlock } from '../../report/blocks.js'
import { methodTitle } from '../../results.js'
import type { Study } from '../../result.js'
import type { StudyStage } from '../../study-stage.js'
import { defineSection, type Planning } from '../section-entry.js'
import { mapSchema, type StudyMap } from './schema.js'
import { layoutSeconds, studyMap } from './study-map.js'

const PROTOCOL = 1
const KIND = 'map'

export const mapsSection = defineSection({
  id: 'maps',
  title: 'Maps of the features',
  files: ['map-', 'maps.'],
  fields: { maps: mapSchema.array().default([]) },
  stages: (planning) =>
    planning.methods.flatMap(({ id, title }) => {
      const bank = planning.banks.get(id)
      return bank === undefined ? [] : [mapStage(id, title, bank, planning)]
    }),
  gather: (finished) => ({ fields: { maps: finished.all(KIND, mapSchema) } }),
  report: async (study) => {
    if (study.maps.length === 0) return []
    const { mapFigures } = await import('./map-figures.js')
    const figures = study.maps.flatMap((map) => mapFigures(study, map))
    return [purityTable(study, study.maps), ...figures.flatMap(figureBlock)]
  },
})

function mapStage(
  method: string,
  title: string,
  bank: StudyStage<BankRecord>,
  { workshop, scale }: Planning,
): StudyStage<StudyMap> {
  const { data, options } = workshop
  const settings = { PROTOCOL, kind: KIND, bank: bank.key, labels: data.keys.labels, seed: options.seed }
  return {
    kind: KIND,
    name: `map of ${title}`,
    settings,
    key: contentKey(settings),
    needs: [bank],
    seconds: layoutSeconds(scale.trainImages),
    group: 'maps',
    method,
    schema: mapSchema,
    work: async (context) => {
      const { train: features } = await workshop.bank(bank, context)
      const { images, labels, classNames } = data
      return studyMap({ method, features, images, labels, classNames }, context)
    },
  }
}

function purityTable(study: Study, maps: readonly StudyMap[]): TableBlock {
  return {
    kind: 'table',
    columns: [{ title: 'Features' }, ...numberColumns('Images', 'Purity', 'by chance', 'Silhouette')],
    rows: maps.map((map) => [
      methodTitle(study, map.method),
      formatCount(map.x.length),
      map.purity.toFixed(3),
      map.purityByChance.toFixed(3),
      formatFraction(map.silhouette),
    ]),
    caption:
      'Purity: share of the 15 nearest neighbours, in the features, of the same class. Silhouette: how much nearer its own class is to an image than the next one, from -1 to 1. Both are measured in the features, not in the map.',
    file: {
      name: 'maps',
      data: {
        columns: ['method', 'images', 'purity', 'purity_by_chance', 'silhouette'],
        rows: maps.map((map) => [map.method, map.x.length, map.purity, map.purityByChance, map.silhouette]),
      },
    },
  }
}
