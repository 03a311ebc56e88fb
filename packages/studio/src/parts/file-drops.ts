/**
 * Files dragged onto the page. What no part of it takes is let go of: a browser would show such a file in place of the page.
 */
import { useEffect } from 'preact/hooks'

/** Files of the machine; a picture that is dragged out of the page brings its address along. */
export const bringsFiles = ({ dataTransfer }: DragEvent): boolean =>
  dataTransfer !== null && dataTransfer.types.includes('Files') && !dataTransfer.types.includes('text/html')

/** Keeps the page where it is. The window hears last, after all that may take it. */
export function useNoLostDrops(): void {
  useEffect(() => {
    const refuse = (event: DragEvent): void => {
      if (event.defaultPrevented || !bringsFiles(event)) return
      event.preventDefault()
      if (event.dataTransfer !== null) event.dataTransfer.dropEffect = 'none'
    }
    addEventListener('dragover', refuse)
    addEventListener('drop', refuse)
    return () => {
      removeEventListener('dragover', refuse)
      removeEventListener('drop', refuse)
    }
  }, [])
}

type Drags = Partial<Record<'dragenter' | 'dragover' | 'dragleave' | 'drop', (event: DragEvent) => void>>

/** Listens on all of the page. @returns what ends it */
export function onDrags(listeners: Drags): () => void {
  const all = Object.entries(listeners) as [keyof Drags, (event: DragEvent) => void][]
  for (const [name, listener] of all) document.addEventListener(name, listener)
  return () => {
    for (const [name, listener] of all) document.removeEventListener(name, listener)
  }
}
