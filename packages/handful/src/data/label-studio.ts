/**
 * What Label Studio exports as JSON (https://labelstud.io/guide/export): tasks with their data and annotations, each of
 * which holds choices. Its CSV and JSON-MIN are plain tables with the columns `image` and `choice`.
 */

import { z } from 'zod'

const resultSchema = z.object({
  from_name: z.string().default('choice'),
  value: z.object({ choices: z.array(z.string()).optional() }),
})

const tasksSchema = z.array(
  z.object({
    data: z.record(z.string(), z.unknown()),
    annotations: z.array(
      z.object({ was_cancelled: z.boolean().default(false), result: z.array(resultSchema) }),
    ),
  }),
)

/** One row for each annotation of each task, and one for a task without any; undefined where it is no such export. */
export function labelStudioRows(
  parsed: unknown,
): { readonly row: number; readonly values: Readonly<Record<string, unknown>> }[] | undefined {
  const tasks = tasksSchema.safeParse(parsed)
  if (!tasks.success || tasks.data.length === 0) return undefined
  return tasks.data.flatMap(({ data, annotations }, index) => {
    const valid = annotations.filter(({ was_cancelled: cancelled }) => !cancelled)
    const rows = valid.length === 0 ? [[]] : valid.map(({ result }) => result)
    return rows.map((result) => ({
      row: index + 1,
      values: {
        ...data,
        ...Object.fromEntries(
          result.flatMap(({ from_name: name, value: { choices } }) =>
            choices === undefined ? [] : [[name, choices.length === 1 ? choices[0] : choices]],
          ),
        ),
      },
    }))
  })
}

/** The image's own name: uploads get a folder and eight digits in front of it, local files and stores an address. */
export function uploadedName(value: string): string | undefined {
  const local = /^\/data\/local-files\/\?d=(.+)$/.exec(value)
  if (local !== null) return decoded(local[1])
  const upload = /^\/data\/upload\/(?:\d+\/)?(?:[0-9a-f]{8}-)?(.+)$/.exec(value)
  if (upload !== null) return decoded(upload[1])
  const address = /^[a-z][a-z0-9+]*:\/\/[^/]+\/([^?#]+)/i.exec(value)
  return address === null ? undefined : decoded(address[1])
}

function decoded(name: string): string {
  try {
    return decodeURIComponent(name)
  } catch {
    return name
  }
}

const choicesSchema = z.union([
  z.object({ choices: z.array(z.string()) }).transform(({ choices }) => choices),
  z.array(z.string()),
])

/**
 * A choice as its CSV has it: the word itself, or JSON where there may be several. Undefined for several. Others write a
 * list, `["cat"]`.
 */
export function choiceOf(label: string): string | undefined {
  if (!/^(\{"choices"|\[\s*")/.test(label)) return label
  try {
    const choices = choicesSchema.parse(JSON.parse(label))
    return choices.length === 1 ? choices[0] : undefined
  } catch {
    return label
  }
}
