/** What a browser tells of a dropped folder, and where such a folder may lie. */
import type { Studio } from '../../../../handful/src/studio/protocol.js'

/** Folders that are looked into; near ones first. */
const LOOKS = 60

export function droppedNames(transfer: DataTransfer | null): { path?: string; name?: string } {
  // Some file managers tell the address, where the browser lets them.
  const address = transfer?.getData('text/uri-list').split(/\r?\n/).find((line) => line.startsWith('file:///')) // prettier-ignore
  if (address !== undefined) return { path: decodeURIComponent(new URL(address).pathname) }
  const item = transfer?.items[0]
  const entry = item?.kind === 'file' ? item.webkitGetAsEntry() : null
  return { name: entry?.name ?? transfer?.files[0]?.name }
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
