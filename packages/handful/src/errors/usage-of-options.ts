/** What zod says about wrong options, in the form that all errors here have. */
import type { z } from 'zod'
import { type HandfulError, usageError } from '../errors.js'
import { flagOf } from './shell.js'

/** What zod found wrong with options, as the first complaint about a flag. */
export function usageErrorOf(error: z.ZodError, help: string): HandfulError {
  const [issue] = error.issues
  const name = String(issue.path[0] ?? '')
  const hint = `see ${help}`
  if (issue.code === 'unrecognized_keys')
    return usageError({ what: 'option', got: issue.keys.join(', '), expected: 'known options only', hint })
  const what = name === '' ? 'options' : flagOf(name)
  const got = issue.code === 'custom' ? undefined : 'another value'
  return usageError({ what, where: 'options', got, expected: issue.message, hint })
}
