/** The example runs and keeps its promise, and the README shows exactly its file and names what there is. */
import { readFileSync } from 'node:fs'
import * as engine from 'onnx-autodiff'
import { expect, test } from 'vitest'

const read = (path: string): string => readFileSync(new URL(`../../${path}`, import.meta.url), 'utf8')

test('the example trains, exports and reaches its accuracy', async () => {
  const { accuracy } = await import('../../examples/spirals.js')
  expect(accuracy).toBeGreaterThanOrEqual(0.98)
})

test('the README shows the example as it is', () => {
  const [, shown] = /```ts\n([\s\S]*?)```/.exec(read('README.md')) ?? []
  expect(shown).toBe(read('examples/spirals.ts'))
})

test('the example in epochs trains and reaches its accuracy, and the README shows it as it is', async () => {
  const { right, layers } = await import('../../examples/epochs.js')
  expect(right).toBeGreaterThanOrEqual(0.9)
  expect(layers).toContain('block.attention.query')
  const shown = [...read('README.md').matchAll(/```ts\n([\s\S]*?)```/g)].map(([, text]) => text)
  expect(shown).toContain(read('examples/epochs.ts'))
})

test('every function that the README lists is exported', () => {
  const [, table] = read('README.md')
    .split(/^## /m)
    .filter((part) => part.startsWith('What there is'))
    .map((part) => part.split('\n\n'))
    .flat()
  const names = [...table.matchAll(/`(\w+)`/g)].map(([, name]) => name)
  expect(names.length).toBeGreaterThan(70)
  expect(names.filter((name) => !(name in engine))).toEqual([])
})
