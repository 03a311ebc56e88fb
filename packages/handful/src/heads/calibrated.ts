/**
 * A head whose probabilities mean something, for the images of the fit and for new ones: how sharp they are (confidence.ts) comes
 * from the labelled few, each predicted by a fit without its label.
 */
import { confidenceFrom, confidenceSettings, sharpened } from './confidence.js'
import type { FittedHead, Head, HeadProblem, LeftOut } from './head.js'
import { leftOut } from './left-out.js'

export interface Calibrated {
  readonly fitted: FittedHead
  /** As sharp as the head's own. */
  readonly left: LeftOut
}

/** Fits a head and sharpens what it says. */
export async function fitCalibrated(head: Head, problem: HeadProblem): Promise<Calibrated> {
  const fitted = await head.fit(problem)
  const left = fitted.leftOut ?? (await leftOut(fitted.settled ?? head, problem))
  const labels = problem.labels.reduce(
    (count, label, row) => count + Number(label >= 0 && problem.accepted?.has(row) !== true),
    0,
  )
  const [ofFit, ofNew] = [left.transductive, left.inductive].map((each) =>
    confidenceFrom(each, left.truth, labels),
  )
  return {
    left: {
      ...left,
      transductive: sharpened(left.transductive, ofFit),
      inductive: sharpened(left.inductive, ofNew),
    },
    fitted: {
      ...fitted,
      chosen: { ...fitted.chosen, ...confidenceSettings(ofNew) },
      probabilities: async () => sharpened(await fitted.probabilities(), ofFit),
      predict: async (features) => sharpened(await fitted.predict(features), ofNew),
      parameters: {
        ...fitted.parameters,
        settings: { ...fitted.parameters.settings, ...confidenceSettings(ofNew) },
      },
    },
  }
}
