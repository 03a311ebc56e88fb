/** One stage of a plan, done in this process and put into the store, whoever says that it is this one's turn. */
import { setTimeout } from 'node:timers/promises'
import { HandfulError, quoted } from '../errors.js'
import type { PlainObject } from '../runs/run-files.js'
import type { Stage, StageContext } from '../stages/stage.js'
import type { StageStore } from '../stages/stage-store.js'

/** A study that was opened to do stages of it. */
export interface OpenedStages {
  readonly stages: readonly Stage[]
  readonly store: StageStore
  readonly context: Omit<StageContext, 'onProgress' | 'signal' | 'claim'>
  close(): Promise<void>
}

/** What a study is opened with. */
export interface Opening extends Pick<StageContext, 'signal'> {
  /** Told of stages that report by themselves, as trainings do. */
  readonly onProgress: NonNullable<StageContext['onProgress']>
  /** Versions and machine, for the runs that it writes. */
  readonly environment: PlainObject
}

/** Opens the study in a folder. */
export type OpenStages = (folder: string, opening: Opening) => Promise<OpenedStages>

/** What another machine has written is seen here after so long at most, as network file systems go. */
const VISIBLE_MS = 60_000
const LOOK_AGAIN_MS = 500

/**
 * Does the stage unless its result is there already. Of several processes that do one stage at once the first result stays.
 *
 * @throws HandfulError where the plan made here has no such stage, or what it needs has no result; whatever the stage throws
 */
export async function doStage(
  { stages, store, context }: OpenedStages,
  key: string,
  { signal, onProgress }: Pick<StageContext, 'signal' | 'onProgress'>,
): Promise<void> {
  const stage = stages.find((each) => each.key === key)
  if (stage === undefined) {
    throw new HandfulError({
      what: 'stage',
      where: key,
      got: 'no such stage in the plan that is made here',
      expected: 'the same options, images and version on all machines',
      hint: 'see what planner and worker say of versions, and whether the images are the same',
    })
  }
  await seen(stage.needs, store, signal)
  store.lookAgain()
  if ((await store.kept(stage)) !== undefined) return
  const before = await store.read(stage)
  const started = performance.now()
  const result = await stage.work({ ...context, signal, onProgress, claim: key })
  signal.throwIfAborted()
  const seconds = (performance.now() - started) / 1000
  const parsed = stage.schema.parse(result)
  // One whose files were taken away is done anew: its record is another's no more.
  if (before === undefined) await store.writeFirst(stage, parsed, seconds)
  else await store.write(stage, parsed, seconds)
}

async function seen(needs: readonly Stage[], store: StageStore, signal: AbortSignal): Promise<void> {
  const latest = performance.now() + VISIBLE_MS
  for (const need of needs) {
    for (;;) {
      store.lookAgain()
      if ((await store.read(need)) !== undefined) break
      if (performance.now() > latest) {
        throw new HandfulError({
          what: 'stage',
          where: quoted(need.name),
          got: 'no result in the store',
          expected: 'what another machine has written there',
          hint: 'check that --store is the same folder on all machines',
        })
      }
      await setTimeout(LOOK_AGAIN_MS, undefined, { signal })
    }
  }
}
