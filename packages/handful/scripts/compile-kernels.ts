/**
 * Compiles each WebAssembly text of src into the module beside it. Run by hand after a change of one: `npm run kernels`;
 * tests compare the two.
 */
import fs from 'node:fs'
import wabt from 'wabt'

/** Texts without their ending, and the constant that their modules hold. */
const KERNELS = {
  'numerics/sparse-kernels': 'SPARSE_KERNELS',
  'training/warp-kernels': 'WARP_KERNELS',
} as const

/** The module of a text as base64. */
export async function compileKernels(name: keyof typeof KERNELS): Promise<string> {
  const source = new URL(`../src/${name}.wat`, import.meta.url)
  const { parseWat } = await wabt()
  const parsed = parseWat(`${name}.wat`, fs.readFileSync(source, 'utf8'), { simd: true })
  parsed.validate()
  return Buffer.from(parsed.toBinary({}).buffer).toString('base64')
}

if (import.meta.filename === process.argv[1]) {
  for (const name of Object.keys(KERNELS) as (keyof typeof KERNELS)[]) {
    const lines = (await compileKernels(name)).match(/.{1,100}/g) ?? []
    fs.writeFileSync(
      new URL(`../src/${name}-module.ts`, import.meta.url),
      `/** ${name.split('/')[1]}.wat, compiled by scripts/compile-kernels.ts: WebAssembly as base64. */\n` +
        `export const ${KERNELS[name]} =\n${lines.map((line) => `  '${line}'`).join(' +\n')}\n`,
    )
  }
}
