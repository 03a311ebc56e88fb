/** The page: takes pictures that are dropped, pasted, chosen or drawn, and shows what the model inside it says of each. */
import { type Answer, type Classifier, openClassifier } from './classifier.js'
import { drawingPad } from './pad.js'
import { pictureOfFile } from './pictures.js'
import type { Picture } from './square.js'

function element<T extends HTMLElement>(id: string, type: new () => T): T {
  const found = document.getElementById(id)
  if (found instanceof type) return found
  throw new Error(`internal: no ${id} on the page`)
}

const show = {
  title: element('title', HTMLHeadingElement),
  about: element('about', HTMLParagraphElement),
  empty: element('empty', HTMLDivElement),
  answer: element('answer', HTMLDivElement),
  seen: element('seen', HTMLCanvasElement),
  size: element('size', HTMLSpanElement),
  name: element('name', HTMLParagraphElement),
  best: element('best', HTMLParagraphElement),
  time: element('time', HTMLParagraphElement),
  bars: element('bars', HTMLOListElement),
  trouble: element('trouble', HTMLParagraphElement),
  others: element('others', HTMLOListElement),
}

/** Pictures of a session that are kept to go back to. */
const MOST_KEPT = 60

let classifier: Classifier | undefined
let lastMilliseconds = 0
const SLOW_MILLISECONDS = 60

const percent = (share: number): string => `${(100 * share).toFixed(1)} %`

function openModel(bytes: Uint8Array): void {
  classifier = openClassifier(bytes)
  const { metadata } = classifier
  const { classes, accuracy, run } = metadata
  show.title.textContent = run === '' ? 'Try the model' : run
  document.title = show.title.textContent
  const known =
    classes.length > 8
      ? `${classes.slice(0, 8).join(', ')} and ${classes.length - 8} more`
      : classes.join(', ')
  const trust =
    accuracy === undefined
      ? ''
      : ` Estimated accuracy ${percent(accuracy.value)} (${percent(accuracy.low)} to ${percent(accuracy.high)}).`
  show.about.textContent = `Tells ${known} apart.${trust}`
}

function tell(error: unknown): void {
  show.trouble.hidden = error === undefined
  show.trouble.textContent = error instanceof Error ? error.message : String(error ?? '')
}

/** The square on a canvas of its own size, which the style enlarges. */
function paint(canvas: HTMLCanvasElement, { seen }: Answer, channels: 1 | 3): void {
  const side = Math.round(Math.sqrt(seen.length / channels))
  canvas.width = canvas.height = side
  const image = new ImageData(side, side)
  for (let i = 0; i < side * side; i++)
    for (let c = 0; c < 4; c++)
      image.data[4 * i + c] = c === 3 ? 255 : seen[i * channels + (channels === 1 ? 0 : c)]
  canvas.getContext('2d')?.putImageData(image, 0, 0)
}

function showAnswer(answer: Answer, name: string, { metadata }: Classifier): void {
  const { classes, inputs } = metadata
  const order = [...classes.keys()].sort((a, b) => answer.probabilities[b] - answer.probabilities[a])
  show.empty.hidden = true
  show.answer.hidden = false
  tell(undefined)
  paint(show.seen, answer, inputs[0].channels)
  show.size.textContent = `, ${inputs[0].size}x${inputs[0].size}`
  show.name.textContent = name
  show.best.textContent = `${classes[order[0]]}, ${percent(answer.probabilities[order[0]])}`
  show.time.textContent = `in ${Math.max(1, Math.round(answer.milliseconds))} ms`
  show.bars.replaceChildren(
    ...order.map((c) => {
      const row = document.createElement('li')
      const [label, value, bar] = [
        document.createElement('span'),
        document.createElement('span'),
        document.createElement('progress'),
      ]
      label.textContent = label.title = classes[c]
      value.textContent = percent(answer.probabilities[c])
      bar.value = answer.probabilities[c]
      bar.setAttribute('aria-label', classes[c])
      row.append(label, bar, value)
      return row
    }),
  )
}

/** Adds an answer to those that one can go back to. */
function keep(answer: Answer, name: string, model: Classifier): void {
  const { classes, inputs } = model.metadata
  const best = answer.probabilities.indexOf(Math.max(...answer.probabilities))
  const [item, button, canvas, label] = [
    document.createElement('li'),
    document.createElement('button'),
    document.createElement('canvas'),
    document.createElement('span'),
  ]
  button.type = 'button'
  paint(canvas, answer, inputs[0].channels)
  label.textContent = classes[best]
  button.title = name
  button.setAttribute('aria-label', `${name}: ${classes[best]}, ${percent(answer.probabilities[best])}`)
  button.append(canvas, label)
  button.addEventListener('click', () => {
    for (const each of show.others.querySelectorAll('button')) each.removeAttribute('aria-current')
    button.setAttribute('aria-current', 'true')
    showAnswer(answer, name, model)
  })
  item.append(button)
  show.others.prepend(item)
  while (show.others.children.length > MOST_KEPT) show.others.lastElementChild?.remove()
}

function classify(picture: Picture, name: string, isKept: boolean): void {
  if (classifier === undefined) {
    tell(new Error('No model yet: drop the .onnx file that handful export wrote.'))
    return
  }
  const answer = classifier.classify(picture)
  lastMilliseconds = answer.milliseconds
  showAnswer(answer, name, classifier)
  if (!isKept) return
  keep(answer, name, classifier)
  // On a phone it stands below.
  show.answer.scrollIntoView({ block: 'nearest' })
}

async function takeFiles(files: Iterable<File>): Promise<void> {
  for (const file of files) {
    try {
      if (/\.onnx$/i.test(file.name)) openModel(new Uint8Array(await file.arrayBuffer()))
      else classify(await pictureOfFile(file), file.name, true)
    } catch (error) {
      tell(new Error(`${file.name}: ${error instanceof Error ? error.message : String(error)}`))
    }
    // The page stays alive between images.
    await new Promise((resolve) => setTimeout(resolve))
  }
}

function embeddedModel(): Uint8Array | undefined {
  const text = document.getElementById('model')?.textContent?.trim() ?? ''
  return text === '' ? undefined : Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0))
}

function listen(): void {
  const chooser = element('files', HTMLInputElement)
  element('choose', HTMLButtonElement).addEventListener('click', () => chooser.click())
  chooser.addEventListener('change', () => {
    const files = [...(chooser.files ?? [])]
    chooser.value = ''
    void takeFiles(files)
  })
  const over = (isOver: boolean) => (event: DragEvent) => {
    event.preventDefault()
    document.body.classList.toggle('over', isOver)
  }
  document.addEventListener('dragover', over(true))
  document.addEventListener('dragleave', over(false))
  document.addEventListener('drop', (event) => {
    over(false)(event)
    void takeFiles([...(event.dataTransfer?.files ?? [])])
  })
  document.addEventListener('paste', (event) => void takeFiles([...(event.clipboardData?.files ?? [])]))

  const canvas = element('pad', HTMLCanvasElement)
  const swap = element('swap', HTMLButtonElement)
  let isDark = false
  let isWaiting = false
  const drawn = (): void => {
    isWaiting = false
    const context = canvas.getContext('2d')
    if (context !== null && !pad.isEmpty)
      classify(context.getImageData(0, 0, canvas.width, canvas.height), 'your drawing', false)
  }
  const onChange = (isDone: boolean): void => {
    // A slow model is asked when the stroke is done: drawing must not stutter.
    if (isWaiting || (!isDone && lastMilliseconds > SLOW_MILLISECONDS)) return
    isWaiting = true
    requestAnimationFrame(drawn)
  }
  const pad = drawingPad({ canvas, isDark: () => isDark, width: 0.09, onChange })
  element('clear', HTMLButtonElement).addEventListener('click', () => pad.clear())
  swap.addEventListener('click', () => {
    isDark = !isDark
    swap.setAttribute('aria-pressed', String(isDark))
    pad.clear()
  })
}

listen()
try {
  const model = embeddedModel()
  if (model === undefined)
    show.about.textContent = 'Drop the .onnx file that handful export wrote, then images.'
  else openModel(model)
} catch (error) {
  tell(error)
}
