/**
 * How often each class comes, as `--proportions` says it: `equal`, or numbers in any unit, `cat=200,dog=50`. They have to be known:
 * what predictions themselves say of it, or a hundred labels at random, costs more than it gains (docs/results.md).
 */
import { printable, quoted, usageError } from '../../errors.js'
import { closest, listAlternatives } from '../../errors/suggest.js'

const NUMBER = /^(\d*\.?\d+(?:e[+-]?\d+)?)(?:,|$)/
/** Of no class that there is. */
const ANY_PAIR = /^(.+?)=(?=[\d.])/

/**
 * `[classes]` above 0, in any unit; undefined where nothing was said.
 * @throws HandfulError (wrong use) for what is no number above 0, and for classes that are not there or left out
 */
export function proportionsOf(text: string | undefined, classNames: readonly string[]): number[] | undefined {
  if (text === undefined) return undefined
  if (text === 'equal') return classNames.map(() => 1)
  const refuse = (got: string, expected: string, hint?: string) =>
    usageError({ what: '--proportions', got, expected, hint })
  const shares = new Map<string, number>()
  for (let rest = text; rest !== '';) {
    // Names may hold commas and `=`, and begin as another does.
    const [name = ANY_PAIR.exec(rest)?.[1]] = classNames
      .filter((each) => rest.startsWith(`${each}=`))
      .sort((one, other) => other.length - one.length)
    const number = name === undefined ? null : NUMBER.exec(rest.slice(name.length + 1))
    if (name === undefined || number === null)
      throw refuse(quoted(rest), 'equal, or a number for each class, such as cat=200,dog=50')
    if (!classNames.includes(name)) {
      const near = closest(name, classNames)
      const hint = near === undefined ? undefined : `did you mean ${near}?`
      throw refuse(quoted(name), `one of the classes: ${listAlternatives(classNames.map(printable))}`, hint)
    }
    if (shares.has(name)) throw refuse(`${quoted(name)} twice`, 'each class once')
    if (!(Number(number[1]) > 0)) throw refuse(`${quoted(name)}=${number[1]}`, 'a number above 0')
    shares.set(name, Number(number[1]))
    rest = rest.slice(name.length + 1 + number[0].length)
  }
  const missing = classNames.filter((name) => !shares.has(name))
  if (missing.length > 0)
    throw refuse(
      `no number for ${quoted(missing[0])}`,
      `one for each of the classes: ${classNames.map(printable).join(', ')}`,
      'classes that labels brought since need one too',
    )
  return classNames.map((name) => shares.get(name) ?? 0)
}

/** What a report says of it. */
export function proportionsNote(
  shares: readonly number[] | undefined,
  classNames: readonly string[],
): string[] {
  if (shares === undefined) return []
  const total = shares.reduce((sum, share) => sum + share, 0)
  const each = classNames.map((name, c) => `${name} ${((100 * shares[c]) / total).toFixed(1)} %`)
  return [
    `Predictions agree with how often classes come, as --proportions says: ${each.join(', ')}. Accuracies on images that do not come so often are lower than without.`,
  ]
}
