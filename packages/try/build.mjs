/**
 * Builds the page into one file without its model, and what `handful export` checks a model with before it puts it in:
 *
 *     packages/handful/dist/try/try.html        script and style inside, a place for the model
 *     packages/handful/dist/try/classifier.js   the interpreter, for Node
 */
import { createHash } from 'node:crypto'
import { mkdir, readFile, writeFile } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'
import { build } from 'vite'

const here = (name) => fileURLToPath(new URL(name, import.meta.url))
const OUT = here('../handful/dist/try/')

async function bundled(entry, format) {
  const [result] = [
    await build({
      root: here('.'),
      configFile: false,
      logLevel: 'error',
      build: {
        write: false,
        target: 'es2023',
        lib: { entry: here(entry), formats: [format], name: 'page' },
      },
    }),
  ].flat()
  return result.output.find(({ type }) => type === 'chunk').code
}

const hash = (text) => `'sha256-${createHash('sha256').update(text).digest('base64')}'`

const [html, style] = await Promise.all([
  readFile(here('index.html'), 'utf8'),
  readFile(here('src/page/page.css'), 'utf8'),
])
// Nothing in a script may look like its end.
const script = (await bundled('src/page/main.ts', 'iife')).replaceAll('</script', '<\\/script')
const policy = [
  "default-src 'none'",
  `script-src ${hash(script)}`,
  `style-src ${hash(style)}`,
  'img-src blob: data:',
  "base-uri 'none'",
  "form-action 'none'",
].join('; ')
const page = html
  .replace('<!-- policy -->', () => `<meta http-equiv="Content-Security-Policy" content="${policy}" />`)
  .replace('<!-- style -->', () => `<style>${style}</style>`)
  .replace('<!-- script -->', () => `<script>${script}</script>`)
await mkdir(OUT, { recursive: true })
await writeFile(`${OUT}try.html`, page)
await writeFile(`${OUT}classifier.js`, await bundled('src/page/classifier.ts', 'es'))
