/** What a run is: commands one after another in a fresh folder with images, and what of it is recorded. */

/** When a command is interrupted: once the file has something in it, or the folder so many files. */
export interface Stop {
  readonly file: string
  readonly files?: number
}

export interface Step {
  readonly args: readonly string[]
  readonly stop?: Stop
}

export interface Run {
  readonly name: string
  readonly steps: readonly Step[]
  /**
   * Commands see the time as it is, which they need where they are interrupted. Their output is not recorded then, and
   * times in files are taken out.
   */
  readonly realClock?: boolean
  /** Files that are recorded, where others hang on when the run was interrupted. */
  readonly only?: RegExp
  /** A folder that --keep puts by, to be opened by later versions. */
  readonly keep?: string
  /** Made for --keep alone: there is nothing in it to compare. */
  readonly unrecorded?: boolean
  /** A stored run folder that is copied into the working directory first, as `run`. */
  readonly opens?: string
}

/** Commands as they are typed; words are split at spaces, nothing is quoted. */
export const typed = (...lines: readonly string[]): Step[] =>
  lines.map((line) => ({ args: line.split(/\s+/) }))

export const sets = (...values: readonly string[]): string =>
  values.map((value) => `--set ${value}`).join(' ')
