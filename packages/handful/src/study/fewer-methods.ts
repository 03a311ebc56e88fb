/**
 * Which methods a budget leaves: where cells and sections alone do not save enough, whole methods go, with their training
 * and features, until what is left fits and every one of them has a result.
 */
import type { LabelCount, StudyMissing } from './result.js'
import type { PlannedMethod } from './methods.js'

/** Whatever does not beat them has learned nothing: they always stay. */
const PIXELS = 'pixels'

/** What is asked of a plan. */
export interface Affordable {
  readonly seconds: number
  readonly methods: readonly PlannedMethod[]
  readonly cells: readonly {
    readonly method: string
    readonly head: string
    readonly labelsPerClass: LabelCount
  }[]
  readonly heads: readonly string[]
  readonly labelCounts: readonly LabelCount[]
  readonly dropped: readonly StudyMissing[]
}

/** Whether it is within its time and of use: each method has a cell, and one has all heads at the fewest labels. */
export function fitsBudget(
  { seconds, methods, cells, heads, labelCounts }: Affordable,
  budget: number,
): boolean {
  const [least] = labelCounts
  const rows = methods.map(({ id }) => cells.filter(({ method }) => method === id))
  const whole = rows.some((row) => {
    const own = new Set(row.filter(({ labelsPerClass }) => labelsPerClass === least).map(({ head }) => head))
    return heads.every((head) => own.has(head))
  })
  return seconds <= budget && whole && rows.every((row) => row.length > 0)
}

/**
 * Methods go one at a time, the one whose going saves most, with the combinations that it is a part of. Raw pixels stay,
 * and the first that is no baseline, where any was asked for.
 *
 * @param planned a plan of some methods: within the budget, or `whole`, whatever it takes
 * @returns undefined where not even the fewest fit
 */
export async function withFewerMethods<P extends Affordable>(
  all: readonly PlannedMethod[],
  budget: { readonly seconds: number; readonly words: string },
  planned: (methods: readonly PlannedMethod[], whole: boolean) => Promise<P>,
): Promise<P | undefined> {
  const staying = fewestMethods(all).map(({ id }) => id)
  const gone: StudyMissing[] = []
  let kept = all
  for (;;) {
    const smaller: P[] = []
    for (const { id } of kept) {
      const rest = kept.filter((other) => other.id !== id && !other.parts.includes(id))
      if (!staying.includes(id)) smaller.push(await planned(rest, true))
    }
    if (smaller.length === 0) return undefined
    const next = smaller.reduce((least, other) => (other.seconds < least.seconds ? other : least)).methods
    for (const { id, title } of kept.filter((method) => !next.includes(method))) {
      const message = `does not fit ${budget.words} beside the others`
      gone.push({ what: title, method: id, reason: 'budget', message })
    }
    kept = next
    const plan = await planned(kept, false)
    if (fitsBudget(plan, budget.seconds)) return { ...plan, dropped: [...gone, ...plan.dropped] }
  }
}

/** Raw pixels and the first that has learned without labels, else one of other kinds. */
export function fewestMethods(methods: readonly PlannedMethod[]): PlannedMethod[] {
  const kinds = [['generative', 'contrastive'], ['outside'], ['supervised', 'semi-supervised']]
  const first = kinds
    .map((some) => methods.find(({ kind }) => some.includes(kind)))
    .find((method) => method !== undefined)
  return methods.filter(({ id }) => id === PIXELS || id === first?.id)
}
