/** The losses of each training, small plots side by side. */
import type { Figure } from '../../../draw/figure-frame.js'
import { drawnCurves, lossPanel } from '../../../draw/loss-chart.js'
import { drawing, panelsOf } from '../../../draw/plot.js'
import type { Study } from '../../result.js'

/** Losses over steps, a plot for each trained model. */
export function learningFigure(study: Study): Figure | undefined {
  const trained = study.methods
    .map(({ id, title, training }) => ({ id, title, curves: drawnCurves(training?.curves ?? []) }))
    .filter(({ curves }) => curves.length > 0)
  if (trained.length === 0) return undefined
  const title = `${study.dataset.title}: losses over training steps`
  const { panels, ...size } = panelsOf(trained.length, { height: 326 })
  return {
    name: 'learning-curves',
    title,
    caption:
      'Loss over training steps of each model, on its own scale. What still falls at the end would gain from more training.',
    svg: drawing(
      { title, ...size },
      trained.flatMap((model, i) => lossPanel(model.curves, { ...panels[i], title: model.title })),
    ),
    width: size.width,
    data: {
      columns: ['method', 'curve', 'step', 'loss'],
      rows: trained.flatMap(({ id, curves }) =>
        curves.flatMap(({ name, step, value }) => step.map((at, i) => [id, name, at, value[i]])),
      ),
    },
  }
}
