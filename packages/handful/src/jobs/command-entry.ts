/**
 * What a command is: one entry that says how it is called, what it can be told, what it does and how the result is
 * shown. The command line is built from these entries (`cli/program.ts`), and nothing else knows of a command but its line
 * in `commands.ts`. Entries import nothing heavy; what they run is loaded when it runs, so that help stays fast.
 */
import type { z } from 'zod'
import type { HandfulError } from '../errors.js'
import type { Brought } from '../runs/brought.js'
import type { RunContext, RunFolder } from '../runs/run-folder.js'
import type { Options, Session, Told } from './option.js'
import type { JobContext } from '../training/progress.js'

export interface Example {
  readonly command: string
  readonly does: string
}

/** `<run>` has to be given, `[folder]` may be, `<images...>` are several; and what it is. */
export type Argument = readonly [form: string, about: string]
export type Arguments = Readonly<Record<string, Argument>>

type ArgumentValue<F extends string> = string extends F
  ? unknown
  : F extends `${string}...${string}`
    ? readonly string[]
    : F extends `<${string}`
      ? string
      : string | undefined

/** What was typed, by name: the arguments, and options with their defaults. */
export type Given<A extends Arguments, O extends Options> = {
  readonly [K in keyof A]: ArgumentValue<A[K][0]>
} & { readonly [K in Exclude<keyof O, Surrounding>]: Told<O[K]> }

/** Options that the command line itself obeys: commands are not told them. */
type Surrounding = 'json' | 'quiet' | 'progress' | 'printConfig' | 'plugin'

/** A result as it reaches the user: data on stdout, everything else on stderr. */
export interface Shown {
  /** With --json in place of `lines`. */
  readonly json: unknown
  readonly lines: readonly string[]
  readonly messages?: readonly string[]
  /** Files that could not be used. */
  readonly skipped?: readonly { readonly path: string; readonly reason: string }[]
  /** Where the result is that it failed, told after what there is to show. */
  readonly failure?: HandfulError
}

interface Described<A extends Arguments, O extends Options> {
  /** `fit`, or `data list` of a group. */
  readonly name: string
  /** A few words in the list of commands. */
  readonly summary: string
  /** `summary` as a sentence, where nothing is to be added. */
  readonly description: string
  /** What follows the name. */
  readonly usage: string
  readonly arguments?: A
  readonly options: O
  readonly examples: readonly Example[]
}

/** A command that computes something and shows it. Those with --quiet show progress and can be stopped in good order. */
export interface JobCommand<
  A extends Arguments = Arguments,
  O extends Options = Options,
  J = unknown,
  R = unknown,
> extends Described<A, O> {
  /** What happens at the first Ctrl-C; "nothing is written" unless said otherwise. */
  readonly stopping?: string
  /** What was typed as options of the job. @throws HandfulError (wrong use) for what does not go together */
  prepare(given: Given<A, O>, session: Session): J | Promise<J>
  /** For --print-config: every option as it is resolved. */
  print?(options: J): Promise<string>
  run(options: J, context: JobContext & Brought, session: Session): Promise<R>
  show(result: R, options: J, session: Session): Shown | Promise<Shown>
}

export interface RunOptions {
  readonly folder?: string
  readonly dataset?: string
  readonly fileColumn?: string
  readonly labelColumn?: string
  readonly splits?: 'auto' | 'none'
  readonly threads: number
  readonly device: string
  readonly seed: number
}

/** A command that works in a run folder of its own, new or gone on with. Its options are written there. */
export interface RunCommand<
  A extends Arguments = Arguments,
  O extends Options = Options,
  J extends RunOptions = RunOptions,
  R = unknown,
> extends Described<A, O> {
  /** Checks what was typed, and fills in defaults. @param brought what plugins gave, whose names are known too */
  schema(brought: Brought): Promise<z.ZodType<J>>
  /** Options that new runs have unless they are typed, and runs of before that are gone on with have not. */
  newRuns?(typed: Readonly<Record<string, unknown>>): Readonly<Record<string, unknown>>
  /** For --print-config: fields that depend on the images, which are added to the options or replace theirs. */
  resolve(options: J, context: JobContext): Promise<object>
  run(options: J, context: RunContext): Promise<R>
  show(result: R, run: RunFolder, session: Session): Shown | Promise<Shown>
}

export type Command = JobCommand | RunCommand

/** Commands that share their first word. Its examples are shown with the one that they call, too. */
export interface CommandGroup {
  readonly name: string
  readonly summary: string
  readonly description: string
  readonly usage: string
  readonly examples: readonly Example[]
  readonly commands: readonly Command[]
}

/** Nothing but a check of types: options and results fit each other. */
export const jobCommand = <const A extends Arguments, O extends Options, J, R>(
  entry: JobCommand<A, O, J, R>,
): JobCommand<A, O, J, R> => entry

export const runCommand = <const A extends Arguments, O extends Options, J extends RunOptions, R>(
  entry: RunCommand<A, O, J, R>,
): RunCommand<A, O, J, R> => entry
