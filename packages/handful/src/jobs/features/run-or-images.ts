/** What the first argument is, where features made elsewhere may stand in a run's place. */
import { encoderDetails } from '../../encoders/encoder-options.js'
import { usageError } from '../../errors.js'
import { flagOf } from '../../errors/shell.js'
import { filesPresent } from '../../files/present.js'
import { hasOutside, type OutsideOptions } from '../../runs/outside-features.js'
import { RUN_FILES } from '../../runs/run-folder.js'

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
