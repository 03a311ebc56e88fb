/** A picture comes in, its class comes out, and the labelled images that it is most like. Nothing is sent anywhere. */
import { useEffect, useRef, useState } from 'preact/hooks'
import { useStore } from '../../context.js'
import { classColour } from '../../logic/colours.js'
import { fileName, percent } from '../../logic/format.js'
import type { Picture } from '../../logic/resample.js'
import { Thumbnail } from '../../parts/grid.js'
import { Bar, Segments, Swatch } from '../../parts/small.js'
import { messageOf } from '../../studio/failures.js'
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
  const [file, setFile] = useState<Blob | undefined>()
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

  function take(blob: Blob | undefined): void {
    if (blob === undefined) return
    setFile(blob)
    void look(() => pictureOfBlob(blob))
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
          <DropPicture file={file} onFile={take} />
        ) : (
          <DrawPad onPicture={(picture) => void look(() => picture)} />
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

function DropPicture({ file, onFile }: { file?: Blob; onFile: (file: Blob | undefined) => void }) {
  const [over, setOver] = useState(false)
  const input = useRef<HTMLInputElement>(null)
  const address = useAddress(file)
  useEffect(() => {
    const paste = (event: ClipboardEvent) => onFile(event.clipboardData?.files[0])
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
        onFile(event.dataTransfer?.files[0])
      }}
    >
      {address === undefined ? (
        <span class="soft">Drop or paste a picture, or</span>
      ) : (
        <img src={address} alt="The picture that is tried" />
      )}
      <button type="button" onClick={() => input.current?.click()}>
        Choose a file
      </button>
      <input
        ref={input}
        class="unseen"
        type="file"
        accept="image/*"
        tabIndex={-1}
        aria-label="Picture file"
        onChange={(event) => onFile(event.currentTarget.files?.[0])}
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
