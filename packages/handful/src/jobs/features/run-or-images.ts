/** What the first argument is, where features made elsewhere may stand in a run's place. */
import { encoderDetails } from '../../encoders/encoder-options.js'
import { usageError } from '../../errors.js'
import { flagOf } from '../../errors/shell.js'
import { filesPresent } from '../../files/present.js'
import { hasOutside, type OutsideOptions } from '../../runs/outside-features.js'
import { collectionOptions, ownReadingOptions } from '../option-groups.js'
import { RUN_FILES } from '../../runs/run-files.js'

/**
 * How images are read is a run's own affair; how a folder is understood is said of a folder.
 * @param given what was typed, by option
 * @throws HandfulError (wrong use) for the first option that says something of nothing
 */
export function checkReading(
  given: Readonly<Record<string, unknown>>,
  { run, images }: { readonly run?: string; readonly images: boolean },
): void {
  const typed = (options: object): string | undefined =>
    Object.keys(options).find((name) => given[name] !== undefined)
  const read = run === undefined ? undefined : typed(ownReadingOptions)
  if (read !== undefined) {
    const got = 'it with a run, which reads images as its own were read'
    throw usageError({ what: flagOf(read), got, expected: 'it without a run', hint: 'leave it out' })
  }
  const understood = images ? undefined : typed(collectionOptions)
  if (understood === undefined) return
  const got = 'it without a folder'
  throw usageError({
    what: flagOf(understood),
    got,
    expected: 'a folder or a table that it says something of',
    hint: 'leave it out',
  })
}

/**
 * A run is known by its configuration; without features made elsewhere there has to be one.
 * @throws HandfulError (wrong use) where there is neither
 */
export async function runOrImages(
  command: string,
  first: string | undefined,
  others: readonly string[],
  options: OutsideOptions,
): Promise<{ readonly run?: string; readonly images: readonly string[] }> {
  const [detail] = options.encoder === undefined ? encoderDetails(options) : []
  if (detail !== undefined)
    throw usageError({
      what: flagOf(detail),
      got: 'it alone',
      expected: 'an --encoder that it says something of',
    })
  if (first === undefined) {
    if (hasOutside(options)) return { images: others }
    throw usageError({
      what: 'arguments',
      got: 'no <run>',
      expected:
        command === 'features'
          ? 'a run, or --baseline or --encoder and images'
          : 'a run, or --encoder or --embeddings and images',
      hint: `see handful ${command} --help`,
    })
  }
  if (!hasOutside(options) || (await filesPresent(first, [RUN_FILES.config])))
    return { run: first, images: others }
  return { images: [first, ...others] }
}
