/**
 * The floors of both packages: a file imports from its own floor or from one below, never from one above; nothing imports
 * in circles (type imports count); the packages meet in one place, the engine's public entry. `npm run lint` checks it,
 * docs/architecture.md tells it. A new folder gets its floor here first.
 */

/** Each package's floors from the lowest to the highest: folders of `src`, or files without their ending. */
const floors = {
  'packages/onnx-autodiff/src': [
    ['random', 'arrays'],
    ['graph', 'gradient'],
    ['spatial'],
    ['nn', 'optim'],
    ['onnx'],
    ['runtime'],
    ['training'],
    ['index', 'onnx-file'],
  ],
  'packages/handful/src': [
    ['names', 'errors'],
    ['files', 'numerics'],
    ['data'],
    ['labels'],
    ['encoders'],
    ['models'],
    ['training'],
    ['features'],
    ['heads'],
    ['stages'],
    ['runs'],
    ['labelling'],
    ['exports'],
    ['draw'],
    ['scores'],
    ['study'],
    ['queue'],
    ['studio'],
    ['jobs'],
    ['cli'],
    ['index'],
  ],
}

const place = (root, names) => `^${root}/(${names.join('|')})(/|\\.ts$)`

const upward = Object.entries(floors).flatMap(([root, levels]) =>
  levels.slice(0, -1).map((names, level) => ({
    name: `${names.join(', ')} lies below`,
    comment: 'imports run downwards only; move what is shared down, or what uses it up',
    severity: 'error',
    from: { path: place(root, names) },
    to: { path: place(root, levels.slice(level + 1).flat()) },
  })),
)

const withoutFloor = Object.entries(floors).map(([root, levels]) => ({
  name: 'no floor yet',
  comment: 'give the folder its floor in .dependency-cruiser.mjs',
  severity: 'error',
  from: { path: `^${root}/`, pathNot: place(root, levels.flat()) },
  to: {},
}))

export default {
  forbidden: [
    { name: 'no circles', severity: 'error', from: { path: '^packages/' }, to: { circular: true } },
    ...upward,
    ...withoutFloor,
    {
      name: 'the engine by its entries',
      severity: 'error',
      from: { path: '^packages/handful/' },
      to: { path: '^packages/onnx-autodiff/(src|dist)/', pathNot: '/(index|runtime/threads)\\.(d\\.)?ts$' },
    },
    {
      name: 'the engine knows no product',
      severity: 'error',
      from: { path: '^packages/onnx-autodiff/' },
      to: { path: '^packages/handful/' },
    },
    {
      name: 'onnxruntime through the engine',
      severity: 'error',
      from: { path: '^packages/handful/src/' },
      to: { path: 'onnxruntime' },
    },
  ],
  options: {
    tsPreCompilationDeps: true,
    doNotFollow: { path: ['node_modules', 'dist'] },
    exclude: { path: ['/dist/', '/node_modules/'] },
    enhancedResolveOptions: {
      extensions: ['.ts', '.js'],
      exportsFields: ['exports'],
      conditionNames: ['import', 'types'],
    },
  },
}
