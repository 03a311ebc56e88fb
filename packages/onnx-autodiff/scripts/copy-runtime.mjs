/**
 * Puts onnxruntime-node into dist/onnxruntime, from where it is packed: its JavaScript and its libraries as they are, without
 * the install script and what only that needs. Files are linked, not copied, where the disk allows it.
 */
import { cp, link, mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { createRequire } from 'node:module'
import path from 'node:path'

const require = createRequire(import.meta.url)
const from = path.dirname(require.resolve('onnxruntime-node/package.json'))
const to = path.join(import.meta.dirname, '../dist/onnxruntime')
const manifest = JSON.parse(await readFile(path.join(from, 'package.json'), 'utf8'))
const { name, version, license, author, repository, main, description } = manifest

const threads = await readFile(path.join(import.meta.dirname, '../src/runtime/threads.ts'), 'utf8')
if (!threads.includes(`ONNXRUNTIME_VERSION = '${version}'`))
  throw new Error(`onnxruntime-node: got ${version}, expected the version that src/runtime/threads.ts names`)
const there = await readFile(path.join(to, 'package.json'), 'utf8').then(JSON.parse, () => undefined)
if (there?.version !== version) await copyRuntime()

async function copyRuntime() {
  await rm(to, { recursive: true, force: true })
  for (const file of await readdir(from, { recursive: true, withFileTypes: true })) {
    const source = path.join(file.parentPath, file.name)
    const place = path.relative(from, source)
    if (!file.isFile() || !/^(bin|dist)[\\/].*(?<!\.map|\.d\.ts)$/.test(place)) continue
    await mkdir(path.dirname(path.join(to, place)), { recursive: true })
    if (place.endsWith('.js')) {
      const text = await readFile(source, 'utf8')
      await writeFile(path.join(to, place), text.replace(/\n\/\/# sourceMappingURL=.*\s*$/, '\n'))
    } else {
      await link(source, path.join(to, place)).catch(() => cp(source, path.join(to, place)))
    }
  }
  const licence = await readFile(path.join(import.meta.dirname, '../../../LICENSE'), 'utf8')
  const terms = licence.slice(licence.indexOf('Permission is hereby granted'))
  const notice =
    `onnxruntime-node ${version}, unchanged but for its install script, which is left out.\n` +
    'https://github.com/microsoft/onnxruntime\n\nMIT License\n\nCopyright (c) Microsoft Corporation\n\n'
  await writeFile(path.join(to, 'LICENSE'), notice + terms)
  const kept = { name, version, description, license, author, repository, main, type: 'commonjs' }
  // Last: a copy that was broken off has none, and is made again.
  await writeFile(path.join(to, 'package.json'), `${JSON.stringify(kept, null, 2)}\n`)
}
