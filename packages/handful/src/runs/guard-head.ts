/** A head of somebody else's: what it gives is looked at where it is given. */
import { HandfulError, printable } from '../errors.js'
import type { FittedHead, Head, PredictorParameters } from '../heads/head.js'
import { restorePredictor } from '../heads/predictor.js'
import type { LinearAlgebra } from '../numerics/linear-algebra.js'
import { type FeatureMatrix, rowRange, type UnitRows } from '../numerics/matrix.js'

/** Rows that its stored parameters are compared by with what it predicts. */
const COMPARED_ROWS = 16
/** Larger is no rounding. */
const LARGEST_DIFFERENCE = 1e-3

/**
 * @param what the head, as messages name it
 * @param where the file or the call that it came from
 */
export function guardHead(head: Head, what: string, where: string): Head {
  const told = async <T>(work: () => Promise<T>): Promise<T> => {
    try {
      return await work()
    } catch (error) {
      if (error instanceof HandfulError) throw error
      const text = error instanceof Error ? error.message || error.name : String(error)
      const line = printable(text.replace(/\s+/g, ' '))
      throw new HandfulError({ what, where, got: `an error: ${line}`, cause: error })
    }
  }
  const wrong = (got: string, expected: string): HandfulError =>
    new HandfulError({ what, where, got, expected })
  const checked = (found: FeatureMatrix, rows: number, columns: number, of: string): FeatureMatrix => {
    const { rows: has, columns: wide, data } = found ?? {}
    if (has !== rows || wide !== columns || data?.length !== rows * columns)
      throw wrong(
        `${of} of ${has} x ${wide} numbers`,
        `${rows} x ${columns}: a row for each image, a column for each class`,
      )
    if (!data.every((value) => value >= -1e-4 && value <= 1.0001))
      throw wrong(`${of} with numbers that are no probabilities`, 'numbers from 0 to 1')
    return found
  }
  return {
    name: head.name,
    fit: (problem) =>
      told(async () => {
        const fitted = await head.fit(problem)
        const { classCount, features } = problem
        if (typeof fitted?.predict !== 'function' || typeof fitted.probabilities !== 'function')
          throw wrong(
            'a fit without predict or probabilities',
            'a fitted head: probabilities, predict, parameters',
          )
        const settled = fitted.settled && guardHead(fitted.settled, what, where)
        return {
          name: fitted.name ?? head.name,
          chosen: fitted.chosen ?? {},
          parameters: fitted.parameters,
          leaveOneOut: fitted.leaveOneOut,
          leftOut: fitted.leftOut,
          settled,
          probabilities: () =>
            told(async () =>
              checked(await fitted.probabilities(), features.rows, classCount, 'probabilities'),
            ),
          predict: (rows) =>
            told(async () => checked(await fitted.predict(rows), rows.rows, classCount, 'predictions')),
        }
      }),
  }
}

/**
 * A run keeps a head's parameters alone: what they give has to be what the head predicts. In a study it can do without them.
 *
 * @param rows of features that it was fitted to
 * @param where the file or the call that it came from
 * @throws HandfulError where there are none, or they give other probabilities
 */
export async function checkKept(
  fitted: FittedHead,
  {
    rows,
    classCount,
    linearAlgebra,
  }: {
    readonly rows: UnitRows
    readonly classCount: number
    readonly linearAlgebra: LinearAlgebra
  },
  { what, where }: { readonly what: string; readonly where: string | undefined },
): Promise<void> {
  const { parameters } = fitted as { readonly parameters?: PredictorParameters }
  const wrong = (got: string, expected: string): HandfulError =>
    new HandfulError({
      ...{ what, where, got, expected },
      hint: 'a run keeps the parameters alone, to classify new images by; a study can do without',
    })
  if (parameters === undefined)
    throw wrong('a fit without parameters', 'some of kind linear, mlp, neighbours or product')
  if (parameters.classCount !== classCount)
    throw wrong(`parameters of ${parameters.classCount} classes`, `${classCount}`)
  const some = rowRange(rows, 0, Math.min(COMPARED_ROWS, rows.rows))
  const [said, kept] = [await fitted.predict(some), await restorePredictor(parameters, linearAlgebra)(some)]
  const differs = kept.data.some((value, i) => !(Math.abs(value - said.data[i]) <= LARGEST_DIFFERENCE))
  if (differs) throw wrong('parameters that give other probabilities than predict', 'the same from both')
}
