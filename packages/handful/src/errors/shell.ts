/** Words of a command line, as hints and suggestions write them: a shell reads them back as they are. */

export function shellWord(word: string): string {
  return /^[\w@%+=:,./~-]+$/.test(word) ? word : `'${word.replaceAll("'", `'\\''`)}'`
}

/** Text in which addresses have lost what logs in: `redis://me:secret@host` is `redis://***@host`. */
export const withoutPasswords = (text: string): string =>
  text.replace(/([a-z][a-z0-9+.-]*:\/\/)\S*@/gi, '$1***@')

/** `labelsPerClass` -> `--labels-per-class`. */
export function flagOf(name: string): string {
  return `--${name.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)}`
}

/** How the command line was reached, so that what it suggests can be typed as it stands: from a checkout, through npm or npx. */
export function ownCommand(environment: Readonly<Record<string, string | undefined>>): string {
  const { npm_lifecycle_event: script, npm_config_local_prefix: checkout, INIT_CWD: caller } = environment
  if (script === 'npx') return 'npx handful'
  if (!['start', 'handful'].includes(script ?? '')) return 'handful'
  const inside = checkout === undefined || caller === undefined || `${caller}/`.startsWith(`${checkout}/`)
  return inside ? 'npm run handful --' : `npm --prefix ${shellWord(checkout)} run handful --`
}
