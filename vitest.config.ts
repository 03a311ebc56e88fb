import { fileURLToPath } from 'node:url'
import { defineConfig } from 'vitest/config'

export default defineConfig({
  resolve: {
    alias: {
      'onnx-autodiff/random': fileURLToPath(new URL('packages/onnx-autodiff/src/random.ts', import.meta.url)),
      'onnx-autodiff/threads': fileURLToPath(
        new URL('packages/onnx-autodiff/src/runtime/threads.ts', import.meta.url),
      ),
      'onnx-autodiff/onnx': fileURLToPath(
        new URL('packages/onnx-autodiff/src/onnx-file.ts', import.meta.url),
      ),
      handful: fileURLToPath(new URL('packages/handful/src/index.ts', import.meta.url)),
      'onnx-autodiff': fileURLToPath(new URL('packages/onnx-autodiff/src/index.ts', import.meta.url)),
    },
  },
  test: {
    include: ['packages/*/test/**/*.test.ts'],
    testTimeout: 60_000,
    hookTimeout: 60_000,
    maxWorkers: 2,
    pool: 'forks',
  },
})
