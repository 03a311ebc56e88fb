/** How much room a disk has. */
import type { StatsFs } from 'node:fs'

/**
 * Bytes that this process may still write, from what `statfs` says. Some network and container file systems answer zero for
 * everything: that says nothing, and counts as room without end.
 */
export const freeBytes = ({ bavail, bsize, blocks }: StatsFs): number =>
  blocks === 0 ? Infinity : bavail * bsize
