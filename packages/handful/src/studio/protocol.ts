/**
 * The one interface between the page and what does the work: what can be asked, what comes back, what is told unasked. The
 * page knows nothing else; the server implements it today, a worker in the page can tomorrow.
 *
 * Images are numbers: positions in the catalogue, which is sorted by path and stays as it is while `catalogueRevision` does.
 * Classes are numbers too, given once and never used again, so that a class keeps its colour and key for ever.
 */
import { z } from 'zod'

const image = z.int().nonnegative()
const classId = z.int().nonnegative()
const className = z.string().trim().min(1).max(200)
const uploadId = z.string().regex(/^[0-9a-f]{32}$/)
/** Some of a folder's files, by which it is known. */
const fileFacts = z
  .array(
    z.strictObject({
      path: z.string().min(1).max(4096),
      bytes: z.int().nonnegative(),
      sha256: z
        .string()
        .regex(/^[0-9a-f]{64}$/)
        .optional(),
    }),
  )
  .max(500)
const runName = z.string().min(1).max(255)

/** How an image was shown when it was labelled: as a suggestion, blind for the audit, or picked by the person. */
export const SEEN = ['suggestion', 'blind', 'picked', 'accepted'] as const
export type Seen = (typeof SEEN)[number]

/** `null`: no label. `none`: none of these classes. */
const labelSchema = z.union([classId, z.literal('none'), z.null()])
export type Label = z.infer<typeof labelSchema>

/** What can be asked, by name: each is `POST /api/<name>` with this body. */
export const requests = {
  /** A folder of images, an archive, or a run: by its path on this machine. */
  open: z.strictObject({ path: z.string().min(1).max(4096) }),
  /** Folders below a path, to choose one from; without a path the person's own. */
  browse: z.strictObject({ path: z.string().max(4096).optional() }),
  /** Whether a folder holds these files, so that one that was dropped need not be copied. */
  holds: z.strictObject({ path: z.string().min(1).max(4096), files: fileFacts }),
  /** A copy of what was dropped is begun, unless an earlier one holds these files; `upload` sends it. */
  startUpload: z.strictObject({
    name: z.string().min(1).max(255),
    files: fileFacts,
    /** Of all its files, more than are told of. */
    count: z.int().nonnegative(),
  }),
  finishUpload: z.strictObject({ id: uploadId }),
  cancelUpload: z.strictObject({ id: uploadId }),
  train: z.strictObject({
    model: z.string().max(40),
    preset: z.string().max(40).optional(),
    minutes: z
      .number()
      .positive()
      .max(24 * 60),
    size: z.union([z.literal('auto'), z.int().min(8).max(224)]).default('auto'),
    seed: z.int().nonnegative().default(0),
    /** Begins at once beside what trains already; else it waits for its turn. */
    beside: z.boolean().default(false),
  }),
  /** Saves a checkpoint and ends the process; `resumeTraining` goes on from there. */
  pauseTraining: z.strictObject({ run: runName }),
  resumeTraining: z.strictObject({ run: runName }),
  /** Ends the training where it is and takes the model as it is. */
  stopTraining: z.strictObject({ run: runName }),
  /** Makes another run of the folder the one that is shown and labelled with. */
  selectRun: z.strictObject({ run: runName }),
  label: z.strictObject({
    decisions: z
      .array(z.strictObject({ image, label: labelSchema }))
      .min(1)
      .max(1_000_000),
    seen: z.enum(SEEN),
  }),
  /** One step: all decisions of one `label`, or one change of classes. */
  undo: z.strictObject({}),
  redo: z.strictObject({}),
  addClass: z.strictObject({ name: className }),
  renameClass: z.strictObject({ id: classId, name: className }),
  mergeClasses: z.strictObject({ from: classId, into: classId }),
  deleteClass: z.strictObject({ id: classId }),
  suggest: z.strictObject({
    count: z.int().min(1).max(500),
    /** `next`: what teaches most; `check`: labels that look wrong; `audit`: drawn at random, to be labelled blind. */
    kind: z.enum(['next', 'check', 'audit']).default('next'),
    /** Not these again. */
    except: z.array(image).max(10_000).default([]),
  }),
  neighbours: z.strictObject({ image, count: z.int().min(1).max(200) }),
  /** Images at each noise level of the shown run's model; accuracies come one by one, each told as an event. */
  noise: z.strictObject({ images: z.array(image).max(16) }),
  /** `package`: the model with all that lies beside it, in one archive. */
  export: z.strictObject({ what: z.enum(['model', 'package', 'predictions', 'labels', 'report']) }),
} as const

export type RequestName = keyof typeof requests
export type Asked<N extends RequestName> = z.input<(typeof requests)[N]>

export interface ClassInfo {
  readonly id: number
  readonly name: string
  /** Images that carry it now. */
  readonly count: number
}

export interface Skipped {
  readonly path: string
  readonly reason: string
}

/** Files that are done, in all, and those of them that were no good; `total` 0 as long as it is not known. */
export interface ReadingImages {
  readonly done: number
  readonly total: number
  readonly skipped: number
}

/** `waiting`: for another training to end. */
export type RunState = 'waiting' | 'training' | 'paused' | 'failed' | 'ready'

export interface RunCard {
  /** The run folder's name: unique in its parent. */
  readonly name: string
  readonly model: string
  readonly size: number
  readonly state: RunState
  readonly seconds: number
  /** Undefined as long as it cannot be told. */
  readonly secondsLeft?: number
  readonly stage?: string
  /** 0 to 1. */
  readonly done?: number
  /** Of a run that failed: what, and what helps. */
  readonly error?: string
  readonly steps?: number
  /** Of a run that failed: whether it has learnt something, so that it can be ended and used as it is. */
  readonly hasModel?: boolean
  /** While its training reads the images. */
  readonly reading?: ReadingImages
}

/** What the labels say of how good the predictions are. */
export interface Estimate {
  /** 0 to 1. */
  readonly accuracy: number
  readonly low: number
  readonly high: number
  readonly labels: number
  /** `audit`: of images drawn at random and labelled blind; `folds`: of labels left out, which flatters or blames. */
  readonly from: 'audit' | 'folds'
}

export interface StudioState {
  /** Undefined before anything is opened. */
  readonly place?: { readonly path: string; readonly name: string }
  /** A study that was opened; its report is `page('study')`, as soon as there is one. */
  readonly study?: { readonly name: string; readonly hasReport: boolean }
  /** While a place is opened: files found so far, and how many of the first can be shown already: `found`. */
  readonly reading?: ReadingImages & { readonly found: number }
  readonly catalogueRevision: number
  readonly images: number
  readonly skipped: readonly Skipped[]
  readonly skippedCount: number
  /** One line: how the folder was understood. */
  readonly understood?: string
  readonly notes: readonly string[]
  readonly classes: readonly ClassInfo[]
  readonly labelled: number
  readonly canUndo: boolean
  readonly canRedo: boolean
  readonly labelsRevision: number
  readonly runs: readonly RunCard[]
  readonly run?: string
  /** The run whose features choose what to label next; undefined as long as images are drawn at random. */
  readonly suggestsBy?: string
  /** Grows with every refit; 0 before the first. */
  readonly predictionsRevision: number
  readonly estimate?: Estimate
  /** What would be trained if nothing else is said, and why. */
  readonly advice: {
    readonly model: string
    readonly minutes: number
    readonly size: number
    readonly why: string
  }
  readonly models: readonly {
    readonly name: string
    readonly about: string
    readonly hasNoiseLevels: boolean
  }[]
  /** What went wrong last, in one line with its hint; shown until the next request. */
  readonly trouble?: string
}

export interface Catalogue {
  readonly revision: number
  readonly paths: readonly string[]
}

/** `[images]`: the class's id, -1 none, -2 "none of these". */
export interface Labels {
  readonly revision: number
  readonly labels: readonly number[]
}

export interface Predictions {
  readonly revision: number
  /** `[images]` class id, -1 where there is no prediction. */
  readonly classes: readonly number[]
  /** `[images]` of the predicted class, 0 to 1, to three digits. */
  readonly probabilities: readonly number[]
  readonly seconds: number
}

export interface Suggestion {
  readonly image: number
  /** Undefined before there are predictions. Never told for an audit. */
  readonly label?: number
  readonly probability?: number
  /** A few words: `unlike all that is labelled`, `the typical image of a group of 130`, `between cat and dog`. */
  readonly why: string
}

/** `[images * 2]` in -1 to 1. */
export interface MapView {
  readonly positions: readonly number[]
  /** `[images]` cluster of each. */
  readonly clusters: readonly number[]
  /** `[clusters]` its most typical image. */
  readonly typical: readonly number[]
}

/** What a model makes of noise and of images, or, where it makes nothing, which images are alike to it. */
export const PICTURE_KINDS = ['samples', 'reconstructions', 'neighbours'] as const
export type PictureKind = (typeof PICTURE_KINDS)[number]

export interface Metrics {
  readonly run: string
  /** Names to points, each `[step, value]`, thinned to at most a thousand; null is a value that is no number. */
  readonly curves: Readonly<Record<string, readonly (readonly [number, number | null])[]>>
  /** Pictures made during training, oldest first; ids for `/api/picture/<id>`. */
  readonly pictures: readonly {
    readonly id: string
    readonly kind: PictureKind
    readonly step: number
  }[]
}

export interface Results {
  readonly revision: number
  /** `[true][predicted]` images of labels left out, by class position in `classes`. */
  readonly confusion: readonly (readonly number[])[]
  readonly classes: readonly number[]
  /** Each cell's images, keyed `true,predicted`. */
  readonly cells: Readonly<Record<string, readonly number[]>>
  readonly reliability: readonly {
    readonly confidence: number
    readonly accuracy: number
    readonly count: number
  }[]
  /** The estimate after so many labels, oldest first. */
  readonly history: readonly { readonly labels: number; readonly accuracy: number }[]
}

export interface NoiseView {
  readonly levels: readonly {
    readonly t: number
    readonly accuracy?: number
    readonly pictures: readonly string[]
  }[]
}

export interface Exported {
  /** For `/api/download/<id>`. */
  readonly id: string
  readonly file: string
  readonly bytes: number
}

/** What taking a step back, or doing it again, has changed. */
export interface Stepped {
  readonly labelsRevision: number
  /** Whose label is another one. */
  readonly images: readonly number[]
  /** Whether classes came, went or have other names. */
  readonly classes: boolean
}

/** What each request answers. */
export interface Answers {
  readonly open: StudioState
  readonly browse: {
    readonly path: string
    readonly parent?: string
    readonly folders: readonly {
      readonly path: string
      readonly name: string
      readonly images: number
      readonly isRun: boolean
    }[]
  }
  readonly holds: { readonly same: boolean }
  /** The copy's number, or the path of one that was made before. */
  readonly startUpload: { readonly id: string } | { readonly path: string }
  /** What is to be opened. */
  readonly finishUpload: { readonly path: string }
  readonly cancelUpload: object
  readonly train: StudioState
  readonly pauseTraining: StudioState
  readonly resumeTraining: StudioState
  readonly stopTraining: StudioState
  readonly selectRun: StudioState
  readonly label: { readonly labelsRevision: number; readonly changed: number }
  readonly undo: Stepped
  readonly redo: Stepped
  readonly addClass: StudioState
  readonly renameClass: StudioState
  readonly mergeClasses: StudioState
  readonly deleteClass: StudioState
  readonly suggest: readonly Suggestion[]
  readonly neighbours: readonly { readonly image: number; readonly similarity: number }[]
  readonly noise: NoiseView
  readonly export: Exported
}

/** What is read: each is `GET /api/<name>`. */
export interface Views {
  readonly state: StudioState
  readonly catalogue: Catalogue
  readonly labels: Labels
  readonly predictions: Predictions
  readonly map: MapView
  readonly results: Results
  /** With `?run=`. */
  readonly metrics: Metrics
}

/** Told unasked, over `GET /api/events`: each event's data is the JSON of its value here. */
export interface Events {
  readonly state: StudioState
  /** Labels that changed, by whomever, since the revision before. */
  readonly labels: {
    readonly revision: number
    readonly changed: readonly (readonly [image: number, label: number])[]
  }
  readonly predictions: { readonly revision: number }
  readonly metrics: { readonly run: string }
  /** Of the shown run: the accuracy at a further noise level is known, `noise` tells it. */
  readonly noise: { readonly run: string }
}

/** What the page is written against. */
export interface Studio {
  ask<N extends RequestName>(name: N, body: Asked<N>): Promise<Answers[N]>
  view<N extends keyof Views>(name: N, parameters?: Readonly<Record<string, string>>): Promise<Views[N]>
  /** Goes on after the connection was lost; `connected` tells of both. */
  on<N extends keyof Events>(name: N, listener: (value: Events[N]) => void): () => void
  readonly connected: { subscribe(listener: (connected: boolean) => void): () => void }
  /** Sends pieces of files, a few megabytes at a time: `POST /api/upload/<id>`, in the form of uploads.ts. */
  upload(id: string, pack: Blob): Promise<void>
  /** Addresses of pictures, usable as `src`. */
  thumbnail(image: number): string
  original(image: number): string
  /** The thumbnail of one of the images that were found first, while a place is opened. */
  found(index: number): string
  picture(id: string): string
  download(id: string): string
  /** Of a report, to be shown in a frame: the id of an exported one, or `study`. */
  page(id: string): string
}
