/**
 * Long loops give the thread back now and then, so that progress bars, servers and Ctrl-C stay alive.
 */

const LONGEST_STRETCH_MS = 50

/** A function to await inside a long loop: it lets other work run once 50 ms have passed since it last did. */
export function pause(): () => Promise<void> | undefined {
  let since = performance.now()
  return () => {
    if (performance.now() - since < LONGEST_STRETCH_MS) return undefined
    return new Promise((resolve) => {
      setImmediate(() => {
        since = performance.now()
        resolve()
      })
    })
  }
}
