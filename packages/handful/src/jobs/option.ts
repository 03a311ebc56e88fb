/**
 * Options of commands as plain data: how each is written, what it says in help, and how its text becomes a value or an
 * error that names the flag. The name of an option in its list is the flag: `labelsPerClass` is `--labels-per-class`.
 */
import { quoted, usageError } from '../errors.js'
import { flagOf } from '../errors/shell.js'
import { closest, listAlternatives } from '../errors/suggest.js'
import type { Brought } from '../runs/brought.js'

/** What the command line knows beside what was typed. */
export interface Session {
  /** Threads that the engine gets unless told otherwise. */
  readonly cores: number
  readonly environment: Readonly<Record<string, string | undefined>>
  readonly quiet: boolean
  /** How progress is told on stderr: for people, or as an object a line for programs. */
  readonly progress: 'text' | 'json'
  /** What plugins gave, where some were named. */
  readonly brought: Brought
  /** As it was typed, as far as that can be told. */
  readonly commandLine: string
  readonly date: () => Date
  /** What a run is made with and on, for its folder. */
  describe(machine: MachineUse): Promise<Readonly<Record<string, unknown>>>
  /** Writes one line to stdout now, of a command that goes on. */
  data(text: string): void
  /** Tells one line when progress has left the screen. */
  afterwards(text: string): void
}

export interface MachineUse {
  readonly threads: number
  readonly device: string
  readonly seed: number
}

export interface Option<T> {
  /** How its value is written, such as `<n>`; nothing for a flag that is there or not. */
  readonly value?: string
  readonly about: string | ((session: Session) => string)
  /** The words that it takes, where it takes no others. */
  readonly choices?: readonly string[]
  /** What plugins may add to the words: a word is looked at once they are read. */
  readonly more?: 'heads' | 'models'
  /** @param earlier what the same flag gave before, where it was given again */
  read?(flag: string, text: string, earlier?: T): T
  /** Taken where nothing is typed. Commands with a schema of their own have their defaults there. */
  readonly or?: (session: Session) => T
}

export type Options = Readonly<Record<string, Option<unknown>>>

/** The value of an option. */
export type Told<P> = P extends Option<infer T> ? T : never

type Read<T> = (flag: string, text: string, earlier?: T) => T

/** An option's default, shown in brackets behind what it is about. */
export const withDefault = <T>(option: Option<T | undefined>, value: T): Option<T> => ({
  value: option.value,
  about: `${String(option.about)} (${String(value)})`,
  read: (flag, text, earlier) => option.read?.(flag, text, earlier) ?? value,
  or: () => value,
})

/** The same options, of which only what is typed counts: defaults come from a file or a schema, below it. */
export const typedOnly = <O extends Options>(
  options: O,
): { readonly [K in keyof O]: Option<Told<O[K]> | undefined> } => {
  const entries = Object.entries(options).map(([name, option]) => [name, { ...option, or: undefined }])
  return Object.fromEntries(entries) as { readonly [K in keyof O]: Option<Told<O[K]> | undefined> }
}

/** Is there or is not. */
export const flag = (about: string): Option<true | undefined> => ({ about })

export const text = (value: string, about: string): Option<string | undefined> => ({
  value,
  about,
  read: (_, typed) => typed,
})

/** Several words after one flag, up to the next. */
export const words = (value: string, about: string): Option<readonly string[] | undefined> => ({
  value,
  about,
})

/** A whole number in a range. */
export const whole = (
  value: string,
  about: string,
  low: number,
  high: number,
): Option<number | undefined> => ({
  value,
  about,
  read: (flag, typed) => {
    const number = /^\d+$/.test(typed) ? Number(typed) : NaN
    if (number >= low && number <= high) return number
    const expected = `a whole number from ${low} to ${high}`
    throw usageError({ what: flag, got: shown(typed), expected, hint: `for example ${flag} ${low}` })
  },
})

const decimal = (typed: string): number => (/^\d*\.?\d+(e[+-]?\d+)?$/i.test(typed) ? Number(typed) : NaN)

/** A number above zero. */
export const positive = (value: string, about: string, example: string): Option<number | undefined> => ({
  value,
  about,
  read: (flag, typed) => {
    const number = decimal(typed)
    if (number > 0 && Number.isFinite(number)) return number
    const hint = `for example ${flag} ${example}`
    throw usageError({ what: flag, got: shown(typed), expected: 'a number above 0', hint })
  },
})

const between =
  (low: number, high: number): Read<number> =>
  (flag, typed) => {
    const number = decimal(typed)
    if (number >= low && number <= high) return number
    throw usageError({ what: flag, got: shown(typed), expected: `a number from ${low} to ${high}` })
  }

export const numberBetween = (
  value: string,
  about: string,
  low: number,
  high: number,
): Option<number | undefined> => ({ value, about, read: between(low, high) })

/** Different numbers in a range, with commas between them. */
export const numbers = (
  value: string,
  about: string,
  low: number,
  high: number,
): Option<readonly number[] | undefined> => ({
  value,
  about,
  read: (flag, typed) => {
    const found = typed.split(',').map((each) => between(low, high)(flag, each.trim()))
    if (new Set(found).size === found.length) return found
    throw usageError({ what: flag, got: shown(typed), expected: 'each number once' })
  },
})

/** One to three whole numbers from 1, with commas between them. */
export const channelNumbers = (value: string, about: string): Option<readonly number[] | undefined> => ({
  value,
  about,
  read: (flag, typed) => {
    const found = typed.split(',').map((each) => (/^\s*\d+\s*$/.test(each) ? Number(each) : 0))
    if (found.length <= 3 && found.every((number) => number >= 1 && number <= 4096)) return found
    const expected = 'one to three numbers of channels, counted from 1'
    throw usageError({ what: flag, got: shown(typed), expected, hint: `for example ${flag} 1,2,3` })
  },
})

/** One of a few words, or two numbers of which the first is smaller. */
export const stretchChoice = <T extends string>(
  value: string,
  about: string,
  choices: readonly T[],
): Option<T | readonly [number, number] | undefined> => ({
  value,
  about,
  read: (flag, typed) => {
    if (!typed.includes(',')) return choiceOf(flag, typed, choices)
    const numbers = typed.split(',').map((each) => (each.trim() === '' ? NaN : Number(each)))
    const [low, high] = numbers
    if (numbers.length === 2 && low < high && Number.isFinite(high - low)) return [low, high]
    const expected = 'two numbers, what is black and what is white'
    throw usageError({ what: flag, got: shown(typed), expected, hint: `for example ${flag} 100,4000` })
  },
})

/** Names with commas between them. */
export const names = (value: string, about: string): Option<readonly string[] | undefined> => ({
  value,
  about,
  read: (flag, typed) => {
    const found = typed.split(',').map((name) => name.trim())
    if (found.every((name) => name !== '')) return found
    throw usageError({ what: flag, got: shown(typed), expected: 'names with commas between them' })
  },
})

export const oneOf = <T extends string>(
  value: string,
  about: string,
  choices: readonly T[],
): Option<T | undefined> => ({
  value,
  about,
  choices,
  read: (flag, typed) => choiceOf(flag, typed, choices),
})

/** One of a few words, or what a plugin adds to them. */
export const oneOfOrOwn = (
  value: string,
  about: string,
  choices: readonly string[],
  more: 'heads' | 'models',
): Option<string | undefined> => ({ value, about, choices, more, read: (_, typed) => typed })

/** @throws HandfulError (wrong use) for a word that neither help nor a plugin knows */
export function checkWords(
  options: Options,
  given: Readonly<Record<string, unknown>>,
  brought: Brought,
): void {
  for (const [name, { choices = [], more }] of Object.entries(options)) {
    const typed = given[name]
    if (more === undefined || typeof typed !== 'string') continue
    choiceOf(flagOf(name), typed, [...choices, ...Object.keys(brought[more] ?? {})])
  }
}

/** Texts of a flag that may be given again and again. */
export const repeated = (value: string, about: string): Option<readonly string[] | undefined> => ({
  value,
  about,
  read: (_, typed, earlier) => [...(earlier ?? []), typed],
})

/** @throws HandfulError (wrong use) for a word that is none of them, with the one that was probably meant */
export function choiceOf<T extends string>(flag: string, typed: string, choices: readonly T[]): T {
  const found = choices.find((choice) => choice === typed)
  if (found !== undefined) return found
  const near = closest(typed, choices)
  throw usageError({
    what: flag,
    got: shown(typed),
    expected: listAlternatives(choices),
    hint: near === undefined ? `for example ${flag} ${choices[0]}` : `did you mean ${flag} ${near}?`,
  })
}

type Assigned = Readonly<Record<string, unknown>>

/**
 * `name=value`, which may be given again and again: the value is JSON where it is JSON (numbers, true, null, lists,
 * objects), else a word.
 */
export const assignments = (value: string, about: string): Option<Assigned | undefined> => ({
  value,
  about,
  read: (flag, typed, earlier) => {
    const at = typed.indexOf('=')
    if (at < 1) {
      const hint = `for example ${flag} learningRate=0.001`
      throw usageError({ what: flag, got: shown(typed), expected: 'name=value', hint })
    }
    return { ...earlier, [typed.slice(0, at).trim()]: jsonOrWord(typed.slice(at + 1).trim()) }
  },
})

function jsonOrWord(typed: string): unknown {
  try {
    return JSON.parse(typed) as unknown
  } catch {
    return typed
  }
}

const shown = (typed: string): string => (typed === '' ? 'nothing' : quoted(typed))
