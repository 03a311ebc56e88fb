/** docs/models.md names every setting of every model, so that --print-config never shows one that is not explained. */
import { readFile } from 'node:fs/promises'
import { expect, test } from 'vitest'
import { MODELS, PRESETS } from '../../src/names.js'
import { modelNamed } from '../../src/models/registry.js'

const guide = await readFile(new URL('../../../../docs/models.md', import.meta.url), 'utf8')

function names(values: object, prefix = ''): string[] {
  return Object.entries(values).flatMap(([name, value]) => [
    prefix + name,
    ...(typeof value === 'object' && value !== null && !Array.isArray(value)
      ? names(value as object, `${prefix}${name}.`)
      : []),
  ])
}

test.each(MODELS)('the settings of %s are explained', (name) => {
  const model = modelNamed(name)
  const settings = PRESETS.flatMap((preset) =>
    ([1, 3] as const).flatMap((channels) => names(model.preset(preset, { size: 32, channels }) ?? {})),
  )
  expect(settings.length).toBeGreaterThan(5)
  expect([...new Set(settings)].filter((setting) => !guide.includes(`\`${setting}\``))).toEqual([])
})
