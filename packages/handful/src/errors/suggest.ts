/** Closest matches of mistyped words, for "did you mean". */

/**
 * Edits that turn one word into the other: insertions, deletions, substitutions and swaps of neighbours (Damerau and
 * Levenshtein, in the restricted form where no part is edited twice).
 */
export function editDistance(a: string, b: string): number {
  const rows = Array.from({ length: a.length + 1 }, (_, i) => [i, ...Array<number>(b.length).fill(0)])
  for (let j = 0; j <= b.length; j++) rows[0][j] = j
  for (let i = 1; i <= a.length; i++) {
    for (let j = 1; j <= b.length; j++) {
      const change = a[i - 1] === b[j - 1] ? 0 : 1
      rows[i][j] = Math.min(rows[i - 1][j] + 1, rows[i][j - 1] + 1, rows[i - 1][j - 1] + change)
      if (i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1]) {
        rows[i][j] = Math.min(rows[i][j], rows[i - 2][j - 2] + 1)
      }
    }
  }
  return rows[a.length][b.length]
}

/** The known word that was probably meant, or undefined when none is near: at most two edits in five letters. */
export function closest(word: string, known: readonly string[]): string | undefined {
  const typed = word.toLowerCase()
  let best: string | undefined
  let bestDistance = Infinity
  for (const candidate of known) {
    const bare = candidate.toLowerCase()
    const begins = typed.length >= 2 && bare.startsWith(typed)
    const distance = begins ? 0.5 : editDistance(typed, bare)
    const limit = Math.max(1, Math.floor(Math.max(typed.length, bare.length) * 0.4))
    if (distance <= limit && distance < bestDistance) {
      best = candidate
      bestDistance = distance
    }
  }
  return best
}

/** `a, b or c`. */
export function listAlternatives(items: readonly string[]): string {
  if (items.length < 2) return items.join('')
  return `${items.slice(0, -1).join(', ')} or ${items[items.length - 1]}`
}
