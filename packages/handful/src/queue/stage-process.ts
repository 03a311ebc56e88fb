/** A process that does stages of studies for `handful worker`. */
import { serveStages } from './serve-stages.js'
import { openStudyStages } from './study-stages.js'

const dataDir = process.env.HANDFUL_DATA
serveStages((folder, opening) => openStudyStages(folder, opening, dataDir === '' ? undefined : dataDir))
