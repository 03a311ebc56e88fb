/** Every command, a line each, in the order in which help lists them. */
import type { Command, CommandGroup } from './command-entry.js'
import { data } from './data/command.js'
import { exportCommand } from './export/command.js'
import { features } from './features/command.js'
import { fit } from './fit/command.js'
import { labels } from './labels/command.js'
import { layers } from './layers/command.js'
import { map } from './map/command.js'
import { predict } from './predict/command.js'
import { prepare } from './prepare/command.js'
import { pretrain } from './pretrain/command.js'
import { reconstruct } from './reconstruct/command.js'
import { refit } from './refit/command.js'
import { report } from './report/command.js'
import { sample } from './sample/command.js'
import { score } from './score/command.js'
import { studio } from './studio/command.js'
import { study } from './study/command.js'
import { suggest } from './suggest/command.js'
import { supervised } from './supervised/command.js'
import { sweep } from './sweep/command.js'
import { verify } from './verify/command.js'
import { worker } from './worker/command.js'

export const commands: readonly (Command | CommandGroup)[] = [
  fit,
  predict,
  report,
  studio,
  prepare,
  suggest,
  labels,
  refit,
  exportCommand,
  verify,
  pretrain,
  sample,
  reconstruct,
  score,
  supervised,
  layers,
  features,
  map,
  sweep,
  study,
  worker,
  data,
]
