/** Suggestions can be typed as they stand. */
import { expect, test } from 'vitest'
import { flagOf, ownCommand, shellWord } from '../../src/errors/shell.js'

test('from a checkout, through npm, suggestions go through npm too', () => {
  expect(ownCommand({ npm_lifecycle_event: 'start' })).toBe('npm run handful --')
  expect(ownCommand({ npm_lifecycle_event: 'handful' })).toBe('npm run handful --')
  expect(ownCommand({})).toBe('handful')
  expect(ownCommand({ npm_lifecycle_event: 'npx' })).toBe('npx handful')
})

test('words with blanks or quotes are quoted, others stay as they are', () => {
  expect(shellWord('runs/2026-11-25-strokes')).toBe('runs/2026-11-25-strokes')
  expect(shellWord('my cells')).toBe("'my cells'")
  expect(shellWord("it's")).toBe("'it'\\''s'")
  expect(flagOf('labelsPerClass')).toBe('--labels-per-class')
})
