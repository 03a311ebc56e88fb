/** What a study has found so far, in its folder: study.json, from which its report is drawn. */
import { readFile } from 'node:fs/promises'
import path from 'node:path'
import { z } from 'zod'
import { writeFileAtomic } from '../files/atomic.js'
import { HandfulError, systemCode, systemError } from '../errors.js'
import { FORMER_PRESETS } from '../names.js'
import { CONTRASTIVE_TITLE } from './methods.js'
import { type FullStudy, studySchema } from './all-sections.js'

export const STUDY_FILES = { config: 'study.yaml', result: 'study.json' } as const

/** Writes study.json. */
export async function saveStudy(folder: string, study: FullStudy): Promise<void> {
  await writeFileAtomic(path.join(folder, STUDY_FILES.result), `${JSON.stringify(study)}\n`)
}

const formerPreset = z.object({
  models: z.record(z.string(), z.object({ preset: z.enum(FORMER_PRESETS).optional().catch(undefined) })),
})

/** Studies of before called a VAE that compares views generative; its settings tell. */
function withCurrentKinds(study: FullStudy): FullStudy {
  const models = formerPreset.safeParse(study.config).data?.models ?? {}
  const renamed = (id: string): boolean => Object.hasOwn(models, id) && models[id].preset !== undefined
  return {
    ...study,
    methods: study.methods.map((method) =>
      method.kind === 'generative' && renamed(method.id)
        ? { ...method, kind: 'contrastive', title: CONTRASTIVE_TITLE }
        : method,
    ),
  }
}

/**
 * Reads study.json; undefined where there is none.
 * @throws HandfulError if it is damaged
 */
export async function loadStudySoFar(folder: string): Promise<FullStudy | undefined> {
  const file = path.join(folder, STUDY_FILES.result)
  let text: string
  try {
    text = await readFile(file, 'utf8')
  } catch (error) {
    if (systemCode(error) === 'ENOENT') return undefined
    throw systemError('reading a study', file, error)
  }
  try {
    return withCurrentKinds(studySchema.parse(JSON.parse(text)))
  } catch (error) {
    const issue = error instanceof z.ZodError ? error.issues[0] : undefined
    throw new HandfulError({
      what: 'study',
      where: file,
      got: issue === undefined ? (error as Error).message : `${issue.message} at ${issue.path.join('.')}`,
      expected: 'what "handful study" wrote',
      hint: 'run the same handful study again: what is done is not done again',
    })
  }
}
