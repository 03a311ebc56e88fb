/**
 * A dropped or chosen folder. A browser tells a page its name and its files, never where it lies: one with the same files is
 * looked for near by and opened in its place; else the files are copied to where the runs lie.
 */
import { useEffect, useRef, useState } from 'preact/hooks'
import { useStore } from '../../context.js'
import { counted, number } from '../../logic/format.js'
import { bringsFiles, onDrags } from '../../parts/file-drops.js'
import { Icon } from '../../parts/icons.js'
import { Bar } from '../../parts/small.js'
import { messageOf } from '../../studio/failures.js'
import { copy, sameFolder } from './copying.js'
import { droppedPath } from './dropped.js'
import { type Dropped, filesOfInput, filesOfRoots, rootsOf } from './dropped-files.js'

interface Progress {
  readonly text: string
  readonly share?: number
}

export function Drop({ from, onOpen }: { from?: string; onOpen: (path: string) => Promise<void> }) {
  const store = useStore()
  const [over, setOver] = useState(false)
  const [progress, setProgress] = useState<Progress | undefined>()
  const [problem, setProblem] = useState<string | undefined>()
  const copying = useRef<AbortController | undefined>(undefined)
  const input = useRef<HTMLInputElement>(null)

  async function take(read: () => Promise<Dropped | undefined> | Dropped | undefined): Promise<void> {
    const ended = new AbortController()
    copying.current = ended
    setProblem(undefined)
    setProgress({ text: 'Looking at what is in it …' })
    try {
      const dropped = await read()
      if (dropped === undefined) return
      if (dropped.files.length === 0) {
        setProblem(`${dropped.name}: ${counted(dropped.leftOut, 'file')}, none of them an image`)
        return
      }
      const found = await sameFolder(store.studio, dropped, from)
      if (found !== undefined) {
        store.say(`The same folder was found on this machine: ${found}`)
        await onOpen(found)
        return
      }
      const path = await copy(store.studio, dropped, {
        signal: ended.signal,
        tell: (done, total) =>
          setProgress({ text: `Copying ${number(done)} of ${counted(total, 'file')}`, share: done / total }),
      })
      const leftOut = dropped.leftOut === 0 ? '' : `; ${counted(dropped.leftOut, 'other file')} left out`
      store.say(`Copied to ${path}${leftOut}`)
      await onOpen(path)
    } catch (failure) {
      if (!ended.signal.aborted) setProblem(messageOf(failure))
    } finally {
      setProgress(undefined)
    }
  }

  function drop(event: DragEvent): void {
    event.preventDefault()
    setOver(false)
    const path = droppedPath(event.dataTransfer)
    if (path !== undefined) return void onOpen(path)
    const roots = rootsOf(event.dataTransfer)
    void take(() => filesOfRoots(roots))
  }

  // The whole page takes it: nobody has to aim.
  useEffect(() =>
    onDrags({
      dragover: (event) => {
        if (!bringsFiles(event)) return
        event.preventDefault()
        setOver(true)
      },
      dragleave: (event) => {
        if (event.relatedTarget === null) setOver(false)
      },
      drop: (event) => {
        if (bringsFiles(event)) drop(event)
      },
    }),
  )

  return (
    <section class={over ? 'drop over' : 'drop'} aria-label="Drop a folder">
      {progress === undefined ? (
        <>
          <p>
            Or drop a folder or an archive here. Where the studio cannot find it on this machine, it is copied
            beside the runs.
          </p>
          <button type="button" onClick={() => input.current?.click()}>
            <Icon name="folder" />
            Choose a folder
          </button>
        </>
      ) : (
        <div class="copying" role="status">
          <p class="number">{progress.text}</p>
          {progress.share !== undefined && <Bar share={progress.share} />}
          <button type="button" onClick={() => copying.current?.abort(new Error('cancelled'))}>
            Cancel
          </button>
        </div>
      )}
      <div role="alert">{problem !== undefined && <p class="note">{problem}</p>}</div>
      <input
        ref={(element) => {
          element?.setAttribute('webkitdirectory', '')
          input.current = element
        }}
        class="unseen"
        type="file"
        tabIndex={-1}
        aria-label="Folder of images"
        onChange={(event) => {
          const files = event.currentTarget.files
          void take(() => filesOfInput(files))
        }}
      />
    </section>
  )
}
