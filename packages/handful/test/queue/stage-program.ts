/** In the place of the program that does stages of studies: one that does made ones. */
import { plainLinearAlgebra } from '../../src/numerics/linear-algebra.js'
import { StageStore } from '../../src/stages/stage-store.js'
import { serveStages } from '../../src/queue/serve-stages.js'
import { madeStages } from './made-stages.js'

serveStages((folder) =>
  Promise.resolve({
    stages: madeStages(folder),
    store: new StageStore(folder),
    context: {
      linearAlgebra: plainLinearAlgebra(),
      seed: 0,
      threads: 1,
      device: 'cpu',
    },
    close: () => Promise.resolve(),
  }),
)
