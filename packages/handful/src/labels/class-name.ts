/** What a class may be called. */
import { HandfulError, quoted } from '../errors.js'
import { NONE_OF_THESE } from '../names.js'

const LONGEST_NAME = 200

/** The word for images of no class, however it is written. */
export const isNoneOfThese = (name: string): boolean => name.trim().toLowerCase() === NONE_OF_THESE

/** @throws HandfulError for a name that is taken for no class, shows nothing, or far too much */
export function checkedName(name: string): string {
  if (isNoneOfThese(name)) {
    throw new HandfulError({
      what: 'name of a class',
      got: quoted(name),
      expected: 'another one: so images are called that are of no class',
      hint: 'N labels an image so on the page, labels set --none at the command line',
    })
  }
  if (name.trim() !== '' && name.length <= LONGEST_NAME) return name
  throw new HandfulError({
    what: 'name of a class',
    got: name.trim() === '' ? 'nothing' : `${name.length} characters`,
    expected: `1 to ${LONGEST_NAME}`,
  })
}
