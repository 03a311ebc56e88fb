/** What entries of archives have in common. An archive is untrusted: nothing is unpacked to the disk, and all is bounded. */

export interface ArchiveLimits {
  readonly entries: number
  /** Of the whole archive, unpacked. */
  readonly bytes: number
}

export const ARCHIVE_LIMITS: ArchiveLimits = { entries: 5_000_000, bytes: 2 ** 40 }

export interface ArchiveEntry {
  /** Counts entries of every kind from 0. */
  readonly ordinal: number
  /** As stored. */
  readonly name: string
  /** `file`, `contiguous-file`, `directory`, `symlink`, `link` or another that is no file. */
  readonly type: string | null | undefined
  readonly size: number
  /** Of a hard link, the name of the entry whose file it is. */
  readonly target?: string
  /** Why the content cannot be read though the archive can. */
  readonly locked?: string
  /**
   * The content; may be called once, before the next entry is asked for. What is not read is passed over.
   * @throws DamagedEntry where this entry alone is damaged
   */
  readonly read: () => Promise<Uint8Array>
}

/** In words that follow the entry's name. */
export class DamagedEntry extends Error {}
