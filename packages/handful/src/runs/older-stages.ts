/** The list of stages that run folders had before each stage had a file of its own: `stages.json`. */
import { readFile } from 'node:fs/promises'
import path from 'node:path'
import { z } from 'zod'
import { HandfulError, systemCode } from '../errors.js'
import { damageInWords } from '../files/damage.js'

const FILE = 'stages.json'

const listSchema = z.strictObject({
  version: z.literal(1),
  stages: z.record(
    z.string(),
    z.strictObject({ key: z.string(), finishedAt: z.string(), seconds: z.number().nonnegative() }),
  ),
})

/** By name, each with the key of what went into it. */
export type OlderStages = z.infer<typeof listSchema>['stages']

/** @throws HandfulError where the list is damaged */
export async function readOlderStages(folder: string): Promise<OlderStages> {
  const file = path.join(folder, FILE)
  try {
    return listSchema.parse(JSON.parse(await readFile(file, 'utf8'))).stages
  } catch (error) {
    if (systemCode(error) === 'ENOENT') return {}
    throw new HandfulError({
      what: 'list of stages',
      where: file,
      got: damageInWords(error),
      expected: 'the JSON that was written there',
      hint: 'delete it to do all stages again',
    })
  }
}
