/** The programs that processes of their own run. */
import { existsSync } from 'node:fs'
import { fileURLToPath } from 'node:url'

/**
 * The compiled file of a program: a process starts without the loader that a test runner executes TypeScript with.
 *
 * @param module the address of a module beside the program, `import.meta.url`
 * @param inDist the folder of both below dist/
 * @param what it does, as an error says it
 */
export function builtProgram(module: string, inDist: string, name: string, what: string): string {
  const place = module.endsWith('.ts') ? `../../dist/${inDist}/${name}` : `./${name}`
  const file = fileURLToPath(new URL(place, module))
  if (existsSync(file)) return file
  throw new Error(`${what}: got no file ${file}, expected the built one; run npm run build`)
}
