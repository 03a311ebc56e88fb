/** Kinds of methods of a study: a leaf, so that commands know them without loading what a study's file is read by. */

/**
 * `generative`: features of a model trained without labels to generate or reconstruct, and nothing else. `contrastive`: of one
 * that compares views of an image, whatever it reconstructs beside that. `baseline`: features without training. `combination`:
 * features of several methods beside each other. `outside`: features of an encoder or a table made elsewhere. `supervised`: a network trained on the labelled images alone.
 * `semi-supervised`: one trained on these and on the unlabelled images together.
 */
export const methodKinds = [
  'generative',
  'contrastive',
  'baseline',
  'outside',
  'combination',
  'supervised',
  'semi-supervised',
] as const

/** Whether it classifies by itself: it has no features that heads are fitted to. */
export const isNetwork = ({ kind }: { readonly kind: (typeof methodKinds)[number] }): boolean =>
  kind === 'supervised' || kind === 'semi-supervised'
