/** What columns of tables of labels are called, by people and by handful itself. */
import { SPLIT_NAMES } from './split-column.js'

/** Columns that predictions.ts writes besides file_name and label. They are read over. */
export const OWN_COLUMNS = ['predicted', 'probability', 'split', 'source', 'unlike']

/** Columns of tables that handful wrote itself: its predictions and its labels. */
export const OWN_TABLES = [
  ['file_name', 'label', 'predicted', 'probability', 'split', 'source'],
  ['file_name', 'label', 'seen', 'who', 'at'],
]

/** A name as the lists below have it. */
export const plainName = (name: string): string => name.toLowerCase().replace(/[^\p{L}\p{N}]/gu, '')

/** What people call them, without capitals, blanks and lines; the likelier name first. */
export const FILE_NAMES = [
  ...[
    'filename',
    'file',
    'filepath',
    'imagename',
    'imagepath',
    'imagefile',
    'imagefilename',
    'image',
    'images',
  ],
  ...[
    'img',
    'imgname',
    'imgpath',
    'imgfile',
    'path',
    'relativepath',
    'relpath',
    'photo',
    'picture',
    'imageid',
    'imgid',
  ],
  ...['id', 'name', 'fname', 'key', 'uri', 'url'],
]
export const LABEL_NAMES = [
  ...[
    'label',
    'labels',
    'class',
    'classname',
    'classes',
    'classlabel',
    'labelname',
    'category',
    'categoryname',
  ],
  ...[
    'target',
    'choice',
    'species',
    'tag',
    'y',
    'annotation',
    'groundtruth',
    'gt',
    'classid',
    'labelid',
    'categoryid',
  ],
]

/** What a first row is called that names columns. */
export const USUAL_NAMES: ReadonlySet<string> = new Set([...FILE_NAMES, ...LABEL_NAMES])

/** What describes a file and is no class. */
export const DESCRIPTIONS = [
  ...[
    'width',
    'height',
    'channels',
    'size',
    'bytes',
    'filesize',
    'format',
    'mode',
    'depth',
    'md5',
    'sha1',
    'sha256',
  ],
  ...[
    'date',
    'datetime',
    'time',
    'timestamp',
    'license',
    'licence',
    'author',
    'source',
    'url',
    'set',
    'subset',
  ],
  ...SPLIT_NAMES,
  ...['fold', 'dataset', 'comment', 'comments', 'note', 'notes', 'description'],
]
