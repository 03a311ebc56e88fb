/** What can be taken away. A file is made when it is asked for. */
import { useState } from 'preact/hooks'
import type { Exported } from '../../../../handful/src/studio/protocol.js'
import { useStore } from '../../context.js'
import { bytes } from '../../logic/format.js'
import { Icon } from '../../parts/icons.js'
import './downloads.css'

const FILES = [
  ['model', 'Model', 'One ONNX file from pixels to probabilities, for Python, Node.js and browsers'],
  [
    'package',
    'Model and page',
    'That file, its card and test images, and a page to try it anywhere, offline',
  ],
  ['predictions', 'Predictions', 'A table: every image with its class and probability'],
  ['labels', 'Labels', 'A table: what was labelled'],
  ['report', 'Report', 'One page with tables and figures'],
] as const
type What = (typeof FILES)[number][0]

export function Downloads({
  only,
  onReport,
}: {
  only?: readonly What[]
  onReport?: (made: Exported) => void
}) {
  return (
    <ul class="downloads">
      {FILES.filter(([what]) => only === undefined || only.includes(what)).map(([what, name, about]) => (
        <Download
          key={what}
          what={what}
          name={name}
          about={about}
          onShow={what === 'report' ? onReport : undefined}
        />
      ))}
    </ul>
  )
}

interface DownloadProps {
  readonly what: What
  readonly name: string
  readonly about: string
  /** Where it can be shown as well as saved. */
  readonly onShow?: (made: Exported) => void
}

function Download({ what, name, about, onShow }: DownloadProps) {
  const store = useStore()
  const [busy, setBusy] = useState(false)
  const [made, setMade] = useState<Exported | undefined>()
  const needsModel = what !== 'labels'
  const hasModel = store.state.value?.run !== undefined
  const ready = needsModel ? store.predictions.value !== undefined : (store.state.value?.labelled ?? 0) > 0
  const lacks = !needsModel ? 'labels' : hasModel ? 'labels of two classes' : 'a trained model'

  async function make(): Promise<Exported | undefined> {
    setBusy(true)
    const found = await store.ask('export', { what })
    setBusy(false)
    if (found !== undefined) setMade(found)
    return found
  }

  async function take(): Promise<void> {
    const found = await make()
    if (found === undefined) return
    const link = document.createElement('a')
    link.href = store.studio.download(found.id)
    link.download = found.file
    link.click()
  }

  return (
    <li>
      <div>
        <b>{name}</b>
        <p class="soft small">{about}</p>
        <p class="soft small made" role="status">
          {busy ? 'Making it …' : made === undefined ? '' : `${made.file}, ${bytes(made.bytes)}`}
        </p>
      </div>
      {onShow !== undefined && (
        <button
          type="button"
          disabled={busy || !ready}
          aria-label={`Show ${name.toLowerCase()}`}
          onClick={() => void make().then((found) => found && onShow(found))}
        >
          Show
        </button>
      )}
      <button
        type="button"
        disabled={busy || !ready}
        aria-label={`Save ${name.toLowerCase()}`}
        title={ready ? undefined : `Needs ${lacks}`}
        onClick={() => void take()}
      >
        <Icon name="download" />
        Save
      </button>
    </li>
  )
}
