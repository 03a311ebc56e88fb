/** How the study was run: command, machine, settings and times, so that it can be made again. */
import { formatCount, formatDuration } from '../../../draw/format.js'
import { settingsInWords } from '../../../draw/report-fields.js'
import type { Block } from '../../report/blocks.js'
import { PUBLISHED_CURVES, publishedSet } from '../../published.js'
import type { Study } from '../../result.js'
import { defineSection } from '../section-entry.js'

export const setupSection = defineSection({
  id: 'setup',
  title: 'How it was run',
  report: setupBlocks,
})

function setupBlocks(study: Study): Block[] {
  const total = study.stages.reduce((sum, { seconds }) => sum + seconds, 0)
  return [
    { kind: 'text', text: 'The exact command:' },
    { kind: 'code', text: study.command },
    { kind: 'settings', title: 'Machine, versions and seed', values: settingsInWords(study.environment) },
    { kind: 'settings', title: 'Configuration', values: settingsInWords(study.config) },
    ...(study.stages.length === 0
      ? []
      : [
          {
            kind: 'settings',
            title: `Time by stage: ${formatDuration(total)} in all`,
            values: Object.fromEntries(
              study.stages.map(({ stage, seconds }) => [stage, formatDuration(seconds)]),
            ),
          } as const,
        ]),
    ...methodSettings(study),
    ...publishedSources(study),
  ]
}

/** Where each published curve stands, and what is known against it. */
function publishedSources(study: Study): Block[] {
  const set = publishedSet(study.dataset.name)
  const curves = PUBLISHED_CURVES.filter((curve) => curve.set === set && curve.main)
  if (curves.length === 0) return []
  const values = curves.map(({ title, part, source, note }): [string, string] => [
    part === undefined ? title : `${title}, ${part}`,
    note === undefined ? source : `${source}; ${note}`,
  ])
  return [{ kind: 'settings', title: 'Sources of the published figures', values: Object.fromEntries(values) }]
}

/** What each method's features are. */
function methodSettings(study: Study): Block[] {
  const rows = study.methods.flatMap(({ title, detail, dimension }): [string, string][] => {
    const facts = [detail, dimension === undefined ? undefined : `${formatCount(dimension)} numbers`].filter(
      (fact) => fact !== undefined,
    )
    return facts.length === 0 ? [] : [[title, facts.join('; ')]]
  })
  return rows.length === 0
    ? []
    : [{ kind: 'settings', title: 'Features of each method', values: Object.fromEntries(rows) }]
}
