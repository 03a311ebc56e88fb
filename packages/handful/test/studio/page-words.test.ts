/** What the page says names nothing that has to be typed, whatever the message under it says. */
import { readdir, readFile } from 'node:fs/promises'
import path from 'node:path'
import { fileURLToPath } from 'node:url'
import ts from 'typescript'
import { describe, expect, test } from 'vitest'
import { commands } from '../../src/jobs/commands.js'
import { forThePage, noteForThePage } from '../../src/studio/page-words.js'

const packages = fileURLToPath(new URL('../../../', import.meta.url))
const names = commands.map(({ name }) => name).join('|')
/** Other than an arrow of dashes or a custom property of CSS. */
const typed = new RegExp(`handful (${names})\\b|(?<![\\w-])--[a-z]|\\bulimit\\b`)

/** All texts in a folder of sources that name a command or an option, with `X` where values stand. */
async function textsIn(folder: string): Promise<{ file: string; text: string }[]> {
  const files = await readdir(folder, { recursive: true })
  const found: { file: string; text: string }[] = []
  for (const file of files.filter((each) => /\.tsx?$/.test(each))) {
    const content = await readFile(path.join(folder, file), 'utf8')
    if (!typed.test(content)) continue
    const source = ts.createSourceFile(file, content, ts.ScriptTarget.Latest)
    const visit = (node: ts.Node): void => {
      const text = ts.isStringLiteralLike(node)
        ? node.text
        : ts.isTemplateExpression(node)
          ? node.head.text + node.templateSpans.map(({ literal }) => `X${literal.text}`).join('')
          : undefined
      if (text !== undefined && typed.test(text)) found.push({ file, text })
      ts.forEachChild(node, visit)
    }
    visit(source)
  }
  return found
}

describe('messages on the page', () => {
  test('no text of the program, as what was got, expected, advised or noted, names a command or an option', async () => {
    const texts = await textsIn(path.join(packages, 'handful/src'))
    expect(texts.length).toBeGreaterThan(150)
    const left = texts.flatMap(({ file, text }) => {
      const line = text.replace(/\s+/g, ' ')
      const shown = [
        forThePage(`images (photos): got ${line}, expected ${line}; ${line}`),
        forThePage(line),
        noteForThePage(`3 images; ${line}`),
        noteForThePage(line),
      ]
      return shown.filter((each) => typed.test(each)).map((each) => `${file}: ${each}`)
    })
    expect(left).toEqual([])
  })

  test('the page itself names none', async () => {
    const own = await textsIn(path.join(packages, 'studio/src'))
    expect(own.filter(({ text }) => !/^(var\()?--[a-z-]+\)?$/.test(text.trim()) && !text.includes('var(--'))).toEqual([])
    const server = await textsIn(path.join(packages, 'handful/src/studio'))
    // What it starts by itself, what it takes out of messages, and what it says before there is a page.
    const files = ['downloads.ts', 'page-words.ts', 'serve.ts', 'training-runs.ts', 'workbench-client.ts']
    expect([...new Set(server.map(({ file }) => file))].filter((file) => !files.includes(file))).toEqual([])
  })

  test.each([
    ['labels (runs/a): got none, expected labels of two classes at least; see what to label by handful suggest runs/a; nothing was changed', 'labels (runs/a): got none, expected labels of two classes at least; label images of two classes under Label; nothing was changed'],
    ['run folder (runs/a): got a run without features, expected a run of handful fit or handful prepare whose features are made; go on with it by --resume runs/a', 'run folder (runs/a): got a run without features, expected a trained run whose features are made; go on with it, or begin another, under Train'],
    ['run folder (runs/a): got a run of --method own, which has no features to label by, expected a run of handful prepare, or of handful fit with features; prepare the same images and label them there', 'run folder (runs/a): got a run of the method own, which has no features to label by, expected a trained run with features; prepare the same images and label them there'],
    ['images (mnist): got nothing there, expected a folder; give the folder of your images, or --dataset strokes to try', 'images (mnist): got nothing there, expected a folder; give the folder of your images'],
    ['class name: got "none", expected another; N labels an image so on the page, labels set --none at the command line', 'class name: got "none", expected another; N labels an image so'],
    ['images (scratch file in /tmp): got 9.0 GiB of pixels, expected at most 1.0 GiB, what is free there; choose a smaller --size, or set TMPDIR to a folder with more room', 'images (scratch file in /tmp): got 9.0 GiB of pixels, expected at most 1.0 GiB, what is free there; choose a smaller image size under Train, or make room on this disk'],
    ['reading (a): got too many open files; raise the limit with `ulimit -n 4096`', 'reading (a): got too many open files; close other programs and start the studio again'],
    ['run: got an encoder, expected none; fit without it; a network of your own can be given as --encoder file.onnx', 'run: got an encoder, expected none; fit without it; train a model of the studio under Train'],
    ['run: got a folder that handful has written, expected images', 'run: got a folder that handful has written, expected images'],
    ['training: its process ended by SIGKILL, perhaps for want of memory; trying again goes on', 'training: its process ended by SIGKILL, perhaps for want of memory; trying again goes on'],
  ])('%s', (message, shown) => {
    expect(forThePage(message)).toBe(shown)
  })

  test.each([
    ['val and test are taken for splits: --splits none if they are classes', 'val and test are taken for splits'],
    ['images of grey beyond 8 bits: one range in all of them (--stretch)', 'images of grey beyond 8 bits: one range in all of them'],
    ['3 images have several frames: the first is taken; --frames all takes each', '3 images have several frames: the first is taken'],
  ])('%s', (note, shown) => {
    expect(noteForThePage(note)).toBe(shown)
  })
}) // prettier-ignore
