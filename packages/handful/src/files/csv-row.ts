/** CSV as RFC 4180 defines it, written so that every reader agrees: comma, double quotes where needed, CRLF. */

/** One row with its line end, quoted where needed. */
export function formatCsvRow(fields: readonly string[]): string {
  return `${fields.map(formatField).join(',')}\r\n`
}

function formatField(field: string): string {
  return /[",\r\n]|^\s|\s$/.test(field) ? `"${field.replaceAll('"', '""')}"` : field
}
