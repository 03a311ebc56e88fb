/**
 * Where the user stands. npm runs a script in the folder of its package: `npm --prefix handful run handful -- fit photos`
 * means `photos` where npm was called, which npm tells in INIT_CWD
 * (https://docs.npmjs.com/cli/commands/npm-run-script).
 */
import { realpathSync } from 'node:fs'
import path from 'node:path'

/** Scripts of this repository that hand on what was typed. Of any other script, paths are its own. */
const SCRIPTS = ['start', 'handful']
const PACKAGE = 'handful-workspace'

/** The folder that paths on the command line are meant from, where it is another than that of the process. */
export function callersFolder(
  environment: Readonly<Record<string, string | undefined>>,
  current: string,
): string | undefined {
  const {
    npm_lifecycle_event: script,
    npm_package_name: name,
    npm_package_json: file,
    INIT_CWD,
  } = environment
  if (INIT_CWD === undefined || file === undefined || name !== PACKAGE) return undefined
  // A process that npm's own has started elsewhere knows where it stands.
  const here = SCRIPTS.includes(script ?? '') && real(path.dirname(file)) === real(current)
  return here && real(INIT_CWD) !== real(current) ? INIT_CWD : undefined
}

function real(folder: string): string {
  try {
    return realpathSync(folder)
  } catch {
    return path.resolve(folder)
  }
}
