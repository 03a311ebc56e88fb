/** A section for tests: the mean of each method's features, as a table. */
import { z } from 'zod'
import { contentKey } from '../../src/files/content-key.js'
import { defineSection } from '../../src/study/sections/section-entry.js'

export const brightnessSchema = z.object({ method: z.string(), mean: z.number() })

export const brightnessSection = defineSection({
  id: 'brightness',
  title: 'How bright the features are',
  fields: { brightness: brightnessSchema.array().default([]) },
  files: ['brightness'],
  stages: ({ methods, banks, workshop }) =>
    methods.flatMap(({ id }) => {
      const bank = banks.get(id)
      if (bank === undefined) return []
      const settings = { kind: 'brightness', bank: bank.key }
      return [
        {
          kind: 'brightness',
          name: `brightness of ${id}`,
          settings,
          key: contentKey(settings),
          needs: [bank],
          seconds: 1,
          group: 'brightness',
          method: id,
          schema: brightnessSchema,
          work: async (context) => {
            const { train } = await workshop.bank(bank, context)
            return { method: id, mean: train.data.reduce((sum, value) => sum + value, 0) / train.data.length }
          },
        },
      ]
    }),
  gather: (finished) => {
    const found = finished.all('brightness', brightnessSchema)
    return { fields: { brightness: found }, notes: [`brightness of ${found.length} methods`] }
  },
  report: (study) => [
    {
      kind: 'table',
      columns: [{ title: 'Features' }, { title: 'Mean', number: true }],
      rows: study.brightness.map(({ method, mean }) => [method, mean.toFixed(6)]),
      file: {
        name: 'brightness',
        data: {
          columns: ['method', 'mean'],
          rows: study.brightness.map(({ method, mean }) => [method, mean]),
        },
      },
    },
  ],
})
