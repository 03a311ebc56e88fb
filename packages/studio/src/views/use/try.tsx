/** A picture comes in, its class comes out, and the labelled images that it is most like. Nothing is sent anywhere. */
import { useEffect, useRef, useState } from 'preact/hooks'
import { isImageName } from '../../../../handful/src/names.js'
import { useStore } from '../../context.js'
import { classColour } from '../../logic/colours.js'
import { fileName, percent } from '../../logic/format.js'
import type { Picture } from '../../logic/resample.js'
import { Thumbnail } from '../../parts/grid.js'
import { Icon } from '../../parts/icons.js'
import { Bar, Segments, Swatch } from '../../parts/small.js'
import { messageOf } from '../../studio/failures.js'
import { filesOfRoots, rootsOf } from '../images/dropped-files.js'
import { Classifier, type Classified } from './classifier.js'
import { DrawPad } from './draw-pad.js'
import { LabelledFeatures, type Neighbour } from './neighbours.js'
import { pictureOfBlob } from './read-picture.js'
import { useAddress } from './view.js'

type Way = 'drop' | 'draw'
const NEIGHBOURS = 6

interface Ready {
  readonly classifier: Classifier
  readonly labelled: LabelledFeatures
}

export function Try() {
  const store = useStore()
  const [way, setWay] = useState<Way>('drop')
  const [pictures, setPictures] = useState<readonly File[]>([])
  const [at, setAt] = useState(0)
  const [result, setResult] = useState<Classified | undefined>()
  const [near, setNear] = useState<readonly Neighbour[]>([])
  const [step, setStep] = useState<string | undefined>()
  const [problem, setProblem] = useState<string | undefined>()
  const ready = useRef<Promise<Ready> | undefined>(undefined)
  const latest = useRef(0)
  const revision = store.predictions.value?.revision
  // New labels make another model: it is fetched again with the next picture.
  useEffect(
    () => () => {
      void ready.current?.then(({ classifier }) => classifier.close()).catch(() => undefined)
      ready.current = undefined
    },
    [revision],
  )

  async function load(): Promise<Ready> {
    const made = await store.studio.ask('export', { what: 'model' })
    const classifier = await Classifier.open(store.studio.download(made.id))
    return { classifier, labelled: new LabelledFeatures(store, classifier) }
  }

  async function look(read: () => Picture | Promise<Picture>): Promise<void> {
    const turn = ++latest.current
    setProblem(undefined)
    try {
      setStep('Making the model ready …')
      ready.current ??= load()
      const { classifier, labelled } = await ready.current
      const found = await classifier.classify(await read())
      if (turn !== latest.current) return
      setClasses(classifier.classes)
      setResult(found)
      setNear(labelled.nearest(found.features, NEIGHBOURS))
      const tell = (done: number, total: number) => {
        setStep(done < total ? `Comparing with ${done} of ${total} labelled images` : undefined)
        if (done % 25 === 0 || done === total) setNear(labelled.nearest(found.features, NEIGHBOURS))
      }
      await labelled.fill(tell, () => turn === latest.current)
      if (turn === latest.current) setStep(undefined)
    } catch (failure) {
      ready.current = undefined
      setStep(undefined)
      setProblem(messageOf(failure))
    }
  }
  const [classes, setClasses] = useState<readonly string[]>([])

  /** Several that came at once are tried one after another, as the person walks through them. */
  function take(files: readonly File[]): void {
    if (files.length === 0) return
    setPictures(files)
    show(files, 0)
  }

  function show(files: readonly File[], index: number): void {
    setAt(index)
    void look(() => pictureOfBlob(files[index]))
  }

  async function takeDropped(transfer: DataTransfer | null): Promise<void> {
    const dropped = await filesOfRoots(rootsOf(transfer))
    const files = dropped?.files.map(({ file }) => file).filter(isPicture) ?? []
    if (files.length > 0) return take(files)
    if (dropped === undefined) return
    latest.current++
    setStep(undefined)
    setPictures([])
    setProblem(`${dropped.name}: got no picture, expected a JPEG, PNG or WebP, or several of them`)
  }

  return (
    <section class="try" aria-label="Try the model">
      <div class="try-input">
        <Segments<Way>
          name="Picture"
          value={way}
          choices={[
            ['drop', 'Drop a picture'],
            ['draw', 'Draw one'],
          ]}
          onChoose={setWay}
        />
        {way === 'drop' ? (
          <DropPicture
            file={pictures.at(at)}
            onFiles={take}
            onDropped={(transfer) =>
              void takeDropped(transfer).catch((failure: unknown) => setProblem(messageOf(failure)))
            }
          />
        ) : (
          <DrawPad onPicture={(picture) => void look(() => picture)} />
        )}
        {way === 'drop' && pictures.length > 1 && (
          <div class="walk">
            <button
              type="button"
              class="plain icon"
              aria-label="Picture before"
              disabled={at === 0}
              onClick={() => show(pictures, at - 1)}
            >
              <Icon name="back" />
            </button>
            <span class="small number">
              {at + 1} of {pictures.length}
            </span>
            <span class="soft small cut">{pictures[at].name}</span>
            <button
              type="button"
              class="plain icon"
              aria-label="Next picture"
              disabled={at === pictures.length - 1}
              onClick={() => show(pictures, at + 1)}
            >
              <Icon name="forward" />
            </button>
          </div>
        )}
        <p class="soft small status-line" role="status">
          {step ?? 'Computed in this browser; the picture goes nowhere.'}
        </p>
      </div>
      <div class="try-result" aria-live="polite">
        {problem !== undefined ? (
          <p class="note">{problem}</p>
        ) : result === undefined ? (
          <p class="soft">
            Its class, the probabilities and the labelled images most like it will stand here.
          </p>
        ) : (
          <>
            <Probabilities classes={classes} result={result} />
            <h2>Most like it</h2>
            <ul class="near">
              {near.map(({ image, label, similarity }) => (
                <li key={image} title={store.catalogue.value.paths[image]}>
                  <Thumbnail image={image} />
                  <span class="small cut">{store.className.value(label)}</span>
                  <span class="soft small">{percent(Math.max(0, similarity))}</span>
                  <span class="unseen">{fileName(store.catalogue.value.paths[image] ?? '')}</span>
                </li>
              ))}
            </ul>
          </>
        )}
      </div>
    </section>
  )
}

const isPicture = ({ name, type }: File): boolean => type.startsWith('image/') || isImageName(name)

function DropPicture(props: {
  file?: File
  onFiles: (files: readonly File[]) => void
  onDropped: (transfer: DataTransfer | null) => void
}) {
  const { file, onFiles } = props
  const [over, setOver] = useState(false)
  const [unseen, setUnseen] = useState<File | undefined>()
  const input = useRef<HTMLInputElement>(null)
  const address = useAddress(file)
  useEffect(() => {
    const paste = (event: ClipboardEvent) => onFiles([...(event.clipboardData?.files ?? [])])
    addEventListener('paste', paste)
    return () => removeEventListener('paste', paste)
  })
  return (
    <div
      class={over ? 'drop-picture over' : 'drop-picture'}
      onDragOver={(event) => {
        event.preventDefault()
        setOver(true)
      }}
      onDragLeave={() => setOver(false)}
      onDrop={(event) => {
        event.preventDefault()
        setOver(false)
        props.onDropped(event.dataTransfer)
      }}
    >
      {address === undefined ? (
        <span class="soft">Drop or paste a picture, or</span>
      ) : file !== undefined && file === unseen ? (
        <span class="soft cut">{file.name}</span>
      ) : (
        <img src={address} alt="The picture that is tried" onError={() => setUnseen(file)} />
      )}
      <button type="button" onClick={() => input.current?.click()}>
        Choose a file
      </button>
      <input
        ref={input}
        class="unseen"
        type="file"
        accept="image/*"
        multiple
        tabIndex={-1}
        aria-label="Picture file"
        onChange={(event) => onFiles([...(event.currentTarget.files ?? [])])}
      />
    </div>
  )
}

function Probabilities({ classes, result }: { classes: readonly string[]; result: Classified }) {
  const store = useStore()
  const known = new Map(store.state.value?.classes.map(({ id, name }) => [name, id]))
  const rows = classes
    .map((name, k) => ({ name, share: result.probabilities[k] ?? 0, id: known.get(name) ?? -1 }))
    .sort((a, b) => b.share - a.share)
  const [best, ...others] = rows
  if (best === undefined) return null
  return (
    <div class="probabilities">
      <p class="verdict">
        <Swatch id={best.id} text="" />
        <b class="cut">{best.name}</b>
        <span class="number">{percent(best.share)}</span>
      </p>
      <Bar share={best.share} colour={classColour(best.id)} />
      <dl>
        {others.slice(0, 7).map(({ name, share, id }) => (
          <div key={name}>
            <dt class="cut">{name}</dt>
            <dd>
              <Bar share={share} colour={classColour(id)} />
              <span class="number soft">{percent(share)}</span>
            </dd>
          </div>
        ))}
      </dl>
    </div>
  )
}
