/** What is wrong with an encoder made elsewhere, in one form. */
import { HandfulError, printable } from '../errors.js'

export const encoderError = (
  file: string,
  got: string,
  expected: string,
  hint?: string,
  cause?: unknown,
): HandfulError => new HandfulError({ what: 'encoder', where: printable(file), got, expected, hint, cause })

/** `input_ids int64 [batch, 77]`. */
export const valueInWords = ({
  name,
  elementType = 'no tensor',
  shape,
}: {
  readonly name: string
  readonly elementType?: string
  readonly shape?: readonly (number | string)[]
}): string => printable(`${name} ${elementType}${shape === undefined ? '' : ` [${shape.join(', ')}]`}`)
