/** How folders that Handful writes are known, so that none is ever read as images: by a small file, older ones by what they hold. */

/** In every run and study folder. */
export const RUN_MARKER = '.handful-run'

export const MARKER_TEXT =
  'This folder was written by handful. It is passed over where images are looked for.\n'

/** Whether a folder is one of a run or a study, by the names in it. */
export function isOwnFolder(names: Iterable<string>): boolean {
  const present = new Set(names)
  if (present.has(RUN_MARKER)) return true
  const some = (...wanted: readonly string[]): boolean => wanted.some((name) => present.has(name))
  const run =
    present.has('config.yaml') &&
    present.has('env.json') &&
    some('checkpoints', 'samples', 'stages', 'stages.json', 'metrics.jsonl', 'report.json', 'results.json')
  return (
    run || (present.has('study.yaml') && some('stages', 'study.json', 'features', 'models', 'results.json'))
  )
}
