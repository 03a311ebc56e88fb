/** What comes next when labelling one by one: suggestions, and every few of them one image drawn at random and shown blind. */
import type { Suggestion } from '../../../handful/src/studio/protocol.js'

export interface Next extends Suggestion {
  /** No suggestion is shown, so that it does not sway. */
  readonly blind: boolean
}

export interface Streams {
  readonly suggested: readonly Suggestion[]
  readonly audit: readonly Suggestion[]
  /** Images shown since the last blind one. */
  readonly sinceBlind: number
}

/** One in so many is blind. */
export const BLIND_EVERY = 5

/** The next images, each once; where one stream is empty the other goes on. */
export function upcoming(streams: Streams, count: number): readonly Next[] {
  const found: Next[] = []
  const taken = new Set<number>()
  let [s, a, since] = [0, 0, streams.sinceBlind]
  while (found.length < count && (s < streams.suggested.length || a < streams.audit.length)) {
    const blindTurn = since >= BLIND_EVERY - 1 && a < streams.audit.length
    const blind = blindTurn || s >= streams.suggested.length
    const suggestion = blind ? streams.audit[a++] : streams.suggested[s++]
    if (taken.has(suggestion.image)) continue
    taken.add(suggestion.image)
    since = blind ? 0 : since + 1
    found.push(blind ? { image: suggestion.image, why: suggestion.why, blind } : { ...suggestion, blind })
  }
  return found
}

/** Without an image that was decided on or skipped. */
export function without(streams: Streams, shown: Next): Streams {
  return {
    suggested: streams.suggested.filter(({ image }) => image !== shown.image),
    audit: streams.audit.filter(({ image }) => image !== shown.image),
    sinceBlind: shown.blind ? 0 : streams.sinceBlind + 1,
  }
}

/**
 * Fresh suggestions behind the first ones, which stay because they are shown and fetched already. What is said of them is
 * renewed, but for `stays`: a suggestion that is looked at does not become another one just as Enter accepts it.
 */
export function refreshed(
  before: readonly Suggestion[],
  fresh: readonly Suggestion[],
  kept: number,
  {
    usable,
    stays = () => false,
  }: { readonly usable: (image: number) => boolean; readonly stays?: (old: Suggestion) => boolean },
): readonly Suggestion[] {
  const head = before.slice(0, kept).filter(({ image }) => usable(image))
  const images = new Set(head.map(({ image }) => image))
  const renewed = head.map((old) =>
    stays(old) ? old : (fresh.find(({ image }) => image === old.image) ?? old),
  )
  return [...renewed, ...fresh.filter(({ image }) => !images.has(image) && usable(image))]
}
