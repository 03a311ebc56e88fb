/** What `handful study` sets going, loaded when it runs. */
import { outlineStudy, runStudy } from '../study/run.js'
import { loadStudySoFar } from '../study/study-file.js'
import type { FullStudy } from '../study/all-sections.js'

export interface StudyJobs {
  readonly runStudy: typeof runStudy
  readonly outlineStudy: typeof outlineStudy
  readonly loadStudySoFar: typeof loadStudySoFar
  /** Paths of the files, the page first. */
  readonly writeStudyReport: (
    study: FullStudy,
    folder: string,
    options: { png?: boolean },
  ) => Promise<readonly string[]>
}

export const studyJobs: StudyJobs = {
  runStudy,
  outlineStudy,
  loadStudySoFar,
  writeStudyReport: async (study, folder, options) => {
    const { writeStudyReport } = await import('../study/report/write.js')
    return writeStudyReport(study, folder, options)
  },
}
