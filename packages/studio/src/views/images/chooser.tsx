/**
 * Choosing what to open: a typed path, the folders of this machine, or a dropped folder (drop.tsx).
 */
import { useEffect, useState } from 'preact/hooks'
import { useStore } from '../../context.js'
import { counted } from '../../logic/format.js'
import { Icon } from '../../parts/icons.js'
import type { Answers } from '../../../../handful/src/studio/protocol.js'
import { messageOf } from '../../studio/failures.js'
import { Drop } from './drop.js'

type Listing = Answers['browse']

export function Chooser({ onDone, canLeave }: { onDone: () => void; canLeave: boolean }) {
  const store = useStore()
  const [listing, setListing] = useState<Listing | undefined>()
  const [typed, setTyped] = useState('')
  const [problem, setProblem] = useState<string | undefined>()
  const [busy, setBusy] = useState(false)

  async function go(path?: string): Promise<void> {
    try {
      const found = await store.studio.ask('browse', path === undefined ? {} : { path })
      setListing(found)
      setTyped(found.path)
      setProblem(undefined)
    } catch (failure) {
      setProblem(messageOf(failure))
    }
  }
  useEffect(() => void go(), [])

  async function open(path: string): Promise<void> {
    setBusy(true)
    try {
      await store.studio.ask('open', { path })
      onDone()
    } catch (failure) {
      setProblem(messageOf(failure))
    }
    setBusy(false)
  }

  return (
    <div class="view-body">
      <div class="chooser">
        <div>
          <h1>Which images?</h1>
          <p class="soft">
            A folder, an archive, a table or an earlier run on this machine. Nothing leaves it.
          </p>
        </div>
        <form
          class="go"
          onSubmit={(event) => {
            event.preventDefault()
            void open(typed)
          }}
        >
          <input
            type="text"
            aria-label="Path"
            placeholder="/home/me/pictures"
            spellcheck={false}
            value={typed}
            onInput={(event) => setTyped(event.currentTarget.value)}
          />
          <button type="submit" class="main" disabled={typed.trim() === '' || busy}>
            Open
          </button>
          {canLeave && (
            <button type="button" class="plain" onClick={onDone}>
              Cancel
            </button>
          )}
        </form>
        <div role="alert">{problem !== undefined && <p class="note">{problem}</p>}</div>
        <Folders listing={listing} onGo={(path) => void go(path)} onOpen={(path) => void open(path)} />
        <Drop from={listing?.path} onOpen={open} />
      </div>
    </div>
  )
}

function Folders(props: { listing?: Listing; onGo: (path: string) => void; onOpen: (path: string) => void }) {
  const { listing } = props
  return (
    <section class="folders" aria-label="Folders">
      <div class="here">
        <button
          type="button"
          class="plain icon"
          aria-label="Up to the folder above"
          disabled={listing?.parent === undefined}
          onClick={() => listing?.parent !== undefined && props.onGo(listing.parent)}
        >
          <Icon name="up" />
        </button>
        <span>{listing?.path ?? ''}</span>
      </div>
      {listing !== undefined && listing.folders.length === 0 && <p class="nothing">No folders in here.</p>}
      <ul>
        {listing?.folders.map((folder) => (
          <li key={folder.path}>
            <button type="button" class="plain into" onClick={() => props.onGo(folder.path)}>
              <Icon name={folder.isRun ? 'run' : 'folder'} />
              <span class="cut">{folder.name}</span>
            </button>
            <span class="soft small number">
              {folder.isRun ? 'a run' : folder.images > 0 ? counted(folder.images, 'image') : ''}
            </span>
            <button
              type="button"
              aria-label={`Open ${folder.name}`}
              onClick={() => props.onOpen(folder.path)}
            >
              Open
            </button>
          </li>
        ))}
      </ul>
    </section>
  )
}
