/** What can go wrong between the page and what does its work: it is out of reach, or it says no. */

/** Out of reach: what was asked may or may not have been done; asking again later helps. */
export class OutOfReach extends Error {
  override readonly name = 'OutOfReach'
}

/** It was understood and refused; the message says why, with a hint. */
export class Refused extends Error {
  override readonly name = 'Refused'
}

export function messageOf(failure: unknown): string {
  return failure instanceof Error ? failure.message : String(failure)
}
