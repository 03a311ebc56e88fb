/**
 * Compiles src/numerics/sparse-kernels.wat into src/numerics/sparse-kernels-module.ts. Run by hand after a change of the
 * first: `npm run kernels`; a test compares the two.
 */
import fs from 'node:fs'
import wabt from 'wabt'

const source = new URL('../src/numerics/sparse-kernels.wat', import.meta.url)
const target = new URL('../src/numerics/sparse-kernels-module.ts', import.meta.url)

/** The module as base64. */
export async function compileKernels(): Promise<string> {
  const { parseWat } = await wabt()
  const parsed = parseWat('sparse-kernels.wat', fs.readFileSync(source, 'utf8'), { simd: true })
  parsed.validate()
  return Buffer.from(parsed.toBinary({}).buffer).toString('base64')
}

if (import.meta.filename === process.argv[1]) {
  const lines = (await compileKernels()).match(/.{1,100}/g) ?? []
  fs.writeFileSync(
    target,
    `/** sparse-kernels.wat, compiled by scripts/compile-kernels.ts: WebAssembly as base64. */\n` +
      `export const SPARSE_KERNELS =\n${lines.map((line) => `  '${line}'`).join(' +\n')}\n`,
  )
}
