/** Zip archives of an image folder. */

import { basename } from 'node:path'
import { zipEntries } from '../files/zip-entries.js'
import { archiveTree } from './archive-tree.js'
import type { CollectionFormat } from './collection.js'

/** It begins with an entry, or with the directory where it is empty. */
export const zip: CollectionFormat = {
  name: 'zip',
  kind: 'archive',
  words: '.zip',
  recognises: (start) => ['PK\x03\x04', 'PK\x05\x06'].includes(start.toString('latin1', 0, 4)),
  open: (path, signal, { onFound } = {}) => {
    const name = basename(path).replace(/\.zip$/i, '')
    return archiveTree({ path, name, entries: (own) => zipEntries(path, { signal: own }) }, signal, onFound)
  },
}
