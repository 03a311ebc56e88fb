/** Takes out of both packages' dist what was compiled from files that are gone: tsc leaves it, and it would be packed. */
import { existsSync } from 'node:fs'
import { readdir, rm } from 'node:fs/promises'
import path from 'node:path'

for (const name of ['onnx-autodiff', 'handful']) {
  const dist = path.join(import.meta.dirname, '../..', name, 'dist')
  for (const file of await readdir(dist, { recursive: true })) {
    const [, stem] = /^(.*?)(?:\.d\.ts|\.js)(?:\.map)?$/.exec(file) ?? []
    // What other builds put there.
    if (stem === undefined || /^(onnxruntime|page|try)[\\/]/.test(stem)) continue
    if (!existsSync(path.join(dist, '../src', `${stem}.ts`))) await rm(path.join(dist, file))
  }
}
