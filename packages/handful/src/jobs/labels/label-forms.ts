/** What the commands of labels have in common. */

/** Who gives labels here, as the journal says it. */
export const COMMAND_LINE = 'command line'

export const EXPORT_FORMS = ['csv', 'folders', 'label-studio', 'parquet'] as const
export type ExportForm = (typeof EXPORT_FORMS)[number]

/** The folder that a class lies in: names of classes hold what names of folders must not. */
export function folderName(label: string): string {
  const safe = label.replace(/[/\\\0]/g, '-').replace(/^\.+/, (dots) => '-'.repeat(dots.length))
  return safe === '' ? '-' : safe
}
