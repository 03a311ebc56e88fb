/** What `handful study` sets going, loaded when it runs. */
import { outlineStudy, runStudy } from '../experiments/study/run.js'
import { loadStudySoFar } from '../experiments/study/study-file.js'
import type { Study } from '../report/study/types.js'

export interface StudyJobs {
  readonly runStudy: typeof runStudy
  readonly outlineStudy: typeof outlineStudy
  readonly loadStudySoFar: typeof loadStudySoFar
  /** Paths of the files, the page first. */
  readonly writeStudyReport: (
    study: Study,
    folder: string,
    options: { png?: boolean },
  ) => Promise<readonly string[]>
}

export const studyJobs: StudyJobs = {
  runStudy,
  outlineStudy,
  loadStudySoFar,
  writeStudyReport: async (study, folder, options) => {
    const { writeStudyReport } = await import('../report/study/write.js')
    return writeStudyReport(study, folder, options)
  },
}
