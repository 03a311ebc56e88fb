/** JSON that may be anything. */

/** What a text says; undefined where it is no JSON, as lines that were cut off are not. A schema has to say what it is. */
export function jsonOrNothing(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}
