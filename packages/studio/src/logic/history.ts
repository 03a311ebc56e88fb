/** The way through the images that were looked at one by one: back and forth, and where one stands. */

export interface History {
  readonly images: readonly number[]
  /** Of `images`; its length where the next new image is shown. */
  readonly position: number
}

export const START: History = { images: [], position: 0 }

/** An image was decided on or skipped: it is the last of the way, once. */
export function visited(history: History, image: number): History {
  const images = [...history.images.filter((other) => other !== image), image]
  return { images, position: images.length }
}

export function back(history: History): History {
  return { ...history, position: Math.max(0, history.position - 1) }
}

export function forward(history: History): History {
  return { ...history, position: Math.min(history.images.length, history.position + 1) }
}

/** The image that is looked at again, or undefined at the end of the way. */
export function lookedAt(history: History): number | undefined {
  return history.images[history.position]
}

/** `11 of 11`: the new image counts as the last. */
export function standing(history: History): string {
  return `${history.position + 1} of ${history.images.length + 1}`
}
