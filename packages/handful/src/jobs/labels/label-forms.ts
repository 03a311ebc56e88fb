/** What the commands of labels have in common. */

/** Who gives labels here, as the journal says it. */
export const COMMAND_LINE = 'command line'

export const EXPORT_FORMS = ['csv', 'folders', 'label-studio', 'parquet'] as const
export type ExportForm = (typeof EXPORT_FORMS)[number]
