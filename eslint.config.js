/**
 * Lint rules. Beside the usual ones, `handful/layers` holds the order of the layers (docs: CONTRIBUTING.md): a file
 * imports from its own layer or from one below, never from one above, and the two packages meet in one place, the
 * engine's public entry `onnx-autodiff`.
 */
import path from 'node:path'
import js from '@eslint/js'
import { defineConfig, globalIgnores } from 'eslint/config'
import tseslint from 'typescript-eslint'

/**
 * Each package's layers from the lowest to the highest; what stands in one list shares a layer. A name is a folder of
 * `src` or a file without its ending; where both match, the longer one counts. `report/types` is the form that a run's
 * outcome is written down in, so the experiments that fill it in may know it and how to make its pictures, though only
 * the report draws it.
 */
const layers = {
  'packages/onnx-autodiff/src': [
    ['random', 'arrays'],
    ['graph', 'gradient'],
    ['spatial'],
    ['nn', 'optim'],
    ['onnx'],
    ['runtime'],
    ['index'],
  ],
  'packages/handful/src': [
    ['errors', 'data', 'labels'],
    ['models'],
    ['training'],
    ['features'],
    ['heads'],
    [
      'export',
      'report/types',
      'report/study/types',
      'report/format',
      'report/statistics',
      'report/thumbnails',
      'report/grid',
    ],
    ['experiments'],
    ['report'],
    ['cli', 'server'],
    ['index'],
  ],
}

/** Which package and layer a file of the workspace (relative path, forward slashes) belongs to. */
function place(file) {
  const root = Object.keys(layers).find((folder) => file.startsWith(`${folder}/`))
  if (root === undefined) return undefined
  const inner = file.slice(root.length + 1).replace(/\.[cm]?[jt]s$/, '')
  let best = { root, name: inner.split('/')[0], level: -1, length: 0 }
  for (const [level, names] of layers[root].entries()) {
    for (const name of names) {
      const matches = inner === name || inner.startsWith(`${name}/`)
      if (matches && name.length > best.length) best = { root, name, level, length: name.length }
    }
  }
  return best
}

/** The complaint about one import, or undefined. */
function complaint(file, from, specifier) {
  if (specifier.startsWith('onnx-autodiff/'))
    return `"${specifier}": the engine is imported as "onnx-autodiff" only`
  if (specifier === 'onnx-autodiff' || specifier === 'handful' || specifier.startsWith('handful/')) {
    const allowed = specifier === 'onnx-autodiff' && from.root === 'packages/handful/src'
    return allowed ? undefined : `"${specifier}": ${from.root} imports neither itself by name nor the product`
  }
  if (specifier.startsWith('onnxruntime') && from.root === 'packages/handful/src') {
    return `"${specifier}": onnxruntime is reached through the engine ("onnx-autodiff")`
  }
  if (!specifier.startsWith('.')) return undefined
  const target = path.posix.join(path.posix.dirname(file), specifier)
  const to = place(target)
  if (to?.root !== from.root) return `"${specifier}": leaves the package's src; use the package's name`
  if (to.level === -1) return `"${specifier}": ${to.name} has no layer yet; give it one in eslint.config.js`
  if (to.level > from.level)
    return `"${specifier}": ${from.name} lies below ${to.name}; imports run downwards only`
  return undefined
}

/** @type {import('eslint').Rule.RuleModule} */
const layerRule = {
  meta: { type: 'problem', schema: [], docs: { description: 'imports run downwards through the layers' } },
  create(context) {
    const file = path.relative(import.meta.dirname, context.filename).replaceAll(path.sep, '/')
    const from = place(file)
    if (from === undefined) return {}
    const check = (node, source) => {
      const specifier = source?.type === 'Literal' ? source.value : source?.literal?.value
      if (typeof specifier !== 'string') return
      const message = complaint(file, from, specifier)
      if (message !== undefined) context.report({ node, message })
    }
    const checkSource = (node) => check(node, node.source)
    return {
      Program(node) {
        if (from.level === -1) {
          context.report({ node, message: `${from.name} has no layer yet; give it one in eslint.config.js` })
        }
      },
      ImportDeclaration: checkSource,
      ExportNamedDeclaration: checkSource,
      ExportAllDeclaration: checkSource,
      ImportExpression: checkSource,
      TSImportType: (node) => check(node, node.source ?? node.argument),
    }
  },
}

export default defineConfig(
  globalIgnores(['**/dist/', '**/node_modules/', '**/*_pb.ts', 'runs/', 'data/', 'coverage/', '.tmp/']),
  js.configs.recommended,
  tseslint.configs.recommended,
  {
    files: ['**/*.{js,mjs}'],
    languageOptions: {
      globals: { console: 'readonly', process: 'readonly', URL: 'readonly', performance: 'readonly' },
    },
  },
  {
    files: ['**/*.ts'],
    rules: {
      'no-undef': 'off',
      eqeqeq: 'error',
      'no-var': 'error',
      'prefer-const': 'error',
      '@typescript-eslint/consistent-type-imports': ['error', { disallowTypeAnnotations: false }],
      '@typescript-eslint/no-unused-vars': ['error', { argsIgnorePattern: '^_', varsIgnorePattern: '^_' }],
    },
  },
  {
    files: ['packages/*/src/**/*.ts'],
    plugins: { handful: { rules: { layers: layerRule } } },
    languageOptions: { parserOptions: { projectService: true, tsconfigRootDir: import.meta.dirname } },
    rules: {
      'handful/layers': 'error',
      'no-console': 'error',
      '@typescript-eslint/await-thenable': 'error',
      '@typescript-eslint/no-floating-promises': 'error',
      '@typescript-eslint/no-misused-promises': 'error',
      '@typescript-eslint/no-unnecessary-type-assertion': 'error',
      '@typescript-eslint/no-unsafe-assignment': 'error',
      '@typescript-eslint/no-unsafe-argument': 'error',
      '@typescript-eslint/no-unsafe-call': 'error',
      '@typescript-eslint/no-unsafe-member-access': 'error',
      '@typescript-eslint/no-unsafe-return': 'error',
      '@typescript-eslint/only-throw-error': 'error',
      '@typescript-eslint/restrict-plus-operands': 'error',
      '@typescript-eslint/return-await': 'error',
      '@typescript-eslint/switch-exhaustiveness-check': [
        'error',
        { considerDefaultExhaustiveForUnions: true },
      ],
    },
  },
)
