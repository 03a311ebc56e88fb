/** What a browser tells of a dropped folder, and where such a folder may lie. */
import type { Studio } from '../../../../handful/src/studio/protocol.js'

/** Folders that are looked into; near ones first. */
const LOOKS = 60

/** Some file managers tell the address, where the browser lets them. */
export function droppedPath(transfer: DataTransfer | null): string | undefined {
  const lines = transfer?.getData('text/uri-list').split(/\r?\n/)
  const address = lines?.find((line) => line.startsWith('file:///'))
  return address === undefined ? undefined : decodeURIComponent(new URL(address).pathname)
}

/** Folders of this name: in the folder that is shown, in the person's own, and in those next below. */
export async function findFolders(
  studio: Pick<Studio, 'ask'>,
  name: string,
  from: string | undefined,
): Promise<readonly string[]> {
  const found = new Set<string>()
  const seen = new Set<string>()
  const waiting: (string | undefined)[] = [from, undefined]
  for (let looks = 0; looks < LOOKS && waiting.length > 0 && found.size < 5; looks++) {
    const path = waiting.shift()
    let listing
    try {
      listing = await studio.ask('browse', path === undefined ? {} : { path })
    } catch {
      // A folder that may not be read is passed over.
      continue
    }
    if (seen.has(listing.path)) continue
    seen.add(listing.path)
    for (const folder of listing.folders) {
      if (folder.name === name) found.add(folder.path)
      if (!folder.name.startsWith('.')) waiting.push(folder.path)
    }
  }
  return [...found]
}
