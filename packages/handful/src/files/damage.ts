/** What is wrong with a file that we once wrote, in a few words for an error's `got`. */
import { z } from 'zod'

export function damageInWords(error: unknown): string {
  if (error instanceof z.ZodError) {
    const [issue] = error.issues
    return `${issue.message} (at ${issue.path.join('.') || 'the top'})`
  }
  return String(error instanceof Error ? error.message : error).split('\n')[0]
}
