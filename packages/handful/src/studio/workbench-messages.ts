/** What the server and the process of its workbench say to each other. */
import type { Fitted, Waiting, WorkbenchSuggestion } from '../labelling/workbench.js'
import type { NoisedImages } from './noise-levels.js'
import type { Asked, MapView } from './protocol.js'

/** What the page needs of a fit: probabilities of the other classes stay where they are. */
export type FittedForPage = Omit<Fitted, 'probabilities'>

export interface WorkbenchCalls {
  readonly open: {
    readonly asked: { readonly run: string; readonly threads: number }
    readonly answer: { readonly paths: readonly string[] }
  }
  readonly refit: { readonly asked: object; readonly answer: FittedForPage | Waiting }
  readonly suggest: {
    readonly asked: Required<Asked<'suggest'>>
    readonly answer: readonly WorkbenchSuggestion[]
  }
  readonly neighbours: {
    readonly asked: { readonly image: number; readonly count: number }
    readonly answer: readonly { readonly image: number; readonly similarity: number }[]
  }
  readonly map: { readonly asked: object; readonly answer: MapView }
  readonly noise: {
    readonly asked: { readonly images: readonly number[] }
    readonly answer: readonly NoisedImages[]
  }
}

export type CallName = keyof WorkbenchCalls

export type Call = {
  readonly [N in CallName]: {
    readonly id: number
    readonly name: N
    readonly asked: WorkbenchCalls[N]['asked']
  }
}[CallName]

export type Reply =
  | { readonly id: number; readonly answer: WorkbenchCalls[CallName]['answer'] }
  | { readonly id: number; readonly error: string; readonly foreseen: boolean }
  /** Unasked: a better map is there; accuracy at a further noise level; all labels of the last fit are judged. */
  | { readonly told: 'map' }
  | { readonly told: 'noise' }
  | { readonly told: 'fitted'; readonly fitted: FittedForPage }
