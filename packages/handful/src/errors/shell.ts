/** Words of a command line, as hints and suggestions write them: a shell reads them back as they are. */

export function shellWord(word: string): string {
  return /^[\w@%+=:,./~-]+$/.test(word) ? word : `'${word.replaceAll("'", `'\\''`)}'`
}

/** `labelsPerClass` -> `--labels-per-class`. */
export function flagOf(name: string): string {
  return `--${name.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)}`
}

/** How the command line was reached, so that what it suggests can be typed as it stands: from a checkout, through npm. */
export function ownCommand(environment: Readonly<Record<string, string | undefined>>): string {
  const viaNpm = ['start', 'handful'].includes(environment.npm_lifecycle_event ?? '')
  return viaNpm ? 'npm run handful --' : 'handful'
}
