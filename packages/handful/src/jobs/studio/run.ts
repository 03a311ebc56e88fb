/** The studio from the command line: until Ctrl-C. */
import { homedir } from 'node:os'
import path from 'node:path'
import { fileURLToPath } from 'node:url'
import { openBrowser, startStudio } from '../../studio/serve.js'
import type { JobContext } from '../../training/progress.js'
import type { Session } from '../option.js'

export interface StudioCommandOptions {
  readonly place?: string
  readonly port: number
  readonly noOpen?: true
  readonly runs: string
  readonly threads: number
}

/** @throws HandfulError where the port is taken; the signal's reason at its end */
export async function runStudio(
  { place, port, noOpen, runs, threads }: StudioCommandOptions,
  { signal, progress }: JobContext,
  { environment, data }: Session,
): Promise<void> {
  const studio = await startStudio({
    place,
    port,
    runs,
    threads,
    program: [process.execPath, fileURLToPath(new URL('../../cli/main.js', import.meta.url))],
    environment: { ...environment },
    cache: path.join(environment.XDG_CACHE_HOME ?? path.join(homedir(), '.cache'), 'handful', 'thumbnails'),
    onFault: (error) => progress.message(error.stack ?? error.message),
  })
  data(studio.address)
  if (noOpen === undefined) openBrowser(studio.address)
  await new Promise<void>((resolve) => {
    if (signal.aborted) resolve()
    signal.addEventListener('abort', () => resolve(), { once: true })
  })
  await studio.close()
}
