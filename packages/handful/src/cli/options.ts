/** Readers for the values of options: each turns a text into a value or says which option it does not suit. */
import type { z } from 'zod'
import { quoted, usageError, type HandfulError } from '../errors.js'
import { flagOf } from '../errors/shell.js'
import { listAlternatives, closest } from '../errors/suggest.js'

/** A reader for whole numbers in a range. */
export function wholeNumber(flag: string, low: number, high: number): (text: string) => number {
  return (text) => {
    const value = /^\d+$/.test(text) ? Number(text) : NaN
    if (value >= low && value <= high) return value
    const expected = `a whole number from ${low} to ${high}`
    throw usageError({ what: flag, got: shown(text), expected, hint: `for example ${flag} ${low}` })
  }
}

/** A reader for numbers above zero. */
export function positiveNumber(flag: string, example: string): (text: string) => number {
  return (text) => {
    const value = /^\d*\.?\d+(e[+-]?\d+)?$/i.test(text) ? Number(text) : NaN
    if (value > 0 && Number.isFinite(value)) return value
    const expected = 'a number above 0'
    throw usageError({ what: flag, got: shown(text), expected, hint: `for example ${flag} ${example}` })
  }
}

/** A reader for one of a few words. */
export function oneOf<T extends string>(flag: string, choices: readonly T[]): (text: string) => T {
  return (text) => {
    const found = choices.find((choice) => choice === text)
    if (found !== undefined) return found
    const near = closest(text, choices)
    throw usageError({
      what: flag,
      got: shown(text),
      expected: listAlternatives(choices),
      hint: near === undefined ? `for example ${flag} ${choices[0]}` : `did you mean ${flag} ${near}?`,
    })
  }
}

/** A reader for numbers in a range. */
export function numberBetween(flag: string, low: number, high: number): (text: string) => number {
  return (text) => {
    const value = /^\d*\.?\d+(e[+-]?\d+)?$/i.test(text) ? Number(text) : NaN
    if (value >= low && value <= high) return value
    throw usageError({ what: flag, got: shown(text), expected: `a number from ${low} to ${high}` })
  }
}

/** A reader for different numbers in a range, with commas between them. */
export function numberList(flag: string, low: number, high: number): (text: string) => number[] {
  const read = numberBetween(flag, low, high)
  return (text) => {
    const values = text.split(',').map((each) => read(each.trim()))
    if (new Set(values).size === values.length) return values
    throw usageError({ what: flag, got: shown(text), expected: 'each number once' })
  }
}

/** A reader for names with commas between them. */
export function nameList(flag: string): (text: string) => string[] {
  return (text) => {
    const names = text.split(',').map((name) => name.trim())
    if (names.every((name) => name !== '')) return names
    throw usageError({ what: flag, got: shown(text), expected: 'names with commas between them' })
  }
}

/**
 * A reader for `name=value`, which may be given again and again: the value is JSON where it is JSON (numbers, true,
 * null, lists, objects), else a word.
 */
export function assignments(flag: string): (text: string, earlier?: Assigned) => Assigned {
  return (text, earlier) => {
    const at = text.indexOf('=')
    if (at < 1) {
      const hint = `for example ${flag} learningRate=0.001`
      throw usageError({ what: flag, got: shown(text), expected: 'name=value', hint })
    }
    const name = text.slice(0, at).trim()
    return { ...earlier, [name]: jsonOrWord(text.slice(at + 1).trim()) }
  }
}

type Assigned = Readonly<Record<string, unknown>>

function jsonOrWord(text: string): unknown {
  try {
    return JSON.parse(text) as unknown
  } catch {
    return text
  }
}

/** What zod found wrong with options, as the first complaint about a flag. */
export function usageErrorOf(error: z.ZodError, help: string): HandfulError {
  const [issue] = error.issues
  const name = String(issue.path[0] ?? '')
  const hint = `see ${help}`
  if (issue.code === 'unrecognized_keys') {
    return usageError({ what: 'option', got: issue.keys.join(', '), expected: 'known options only', hint })
  }
  const what = name === '' ? 'options' : flagOf(name)
  const expected = issue.message
  return usageError({
    what,
    where: 'options',
    got: issue.code === 'custom' ? undefined : 'another value',
    expected,
    hint,
  })
}

function shown(text: string): string {
  return text === '' ? 'nothing' : quoted(text)
}
