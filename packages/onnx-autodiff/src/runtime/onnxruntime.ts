/**
 * onnxruntime. The package holds a copy of onnxruntime-node without its install script, which downloads CUDA libraries and
 * stops an installation where only the npm registry can be reached (docs/decisions/0002-no-install-scripts.md). Where
 * onnxruntime-node of the same version is installed too, with CUDA or in a checkout, that one is taken.
 */
import { createRequire } from 'node:module'
import type * as Onnxruntime from 'onnxruntime-common'
import { ONNXRUNTIME_VERSION } from './threads.js'

type Runtime = typeof Onnxruntime & {
  listSupportedBackends(): readonly { readonly name: string; readonly bundled: boolean }[]
}

const require = createRequire(import.meta.url)

function sameIsInstalled(): boolean {
  try {
    const manifest = require('onnxruntime-node/package.json') as { readonly version?: string }
    return manifest.version === ONNXRUNTIME_VERSION
  } catch {
    return false
  }
}

export const ort = require(sameIsInstalled() ? 'onnxruntime-node' : '../onnxruntime') as Runtime
