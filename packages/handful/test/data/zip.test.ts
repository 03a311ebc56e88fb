/** A zip archive gives what the folder in it would give. */
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { openFolder } from '../../src/data/folder.js'
import { openImages } from '../../src/data/open-images.js'
import { failure, folderOf, png, temporaryFolder } from './support.js'
import { zip, type ZipItem } from './zip-writer.js'

const options = { size: 8, fit: 'cover', labels: 'optional', seed: 0 } as const

function archiveOf(items: readonly ZipItem[]): string {
  const file = join(temporaryFolder(), 'photos.zip')
  writeFileSync(file, zip(items))
  return file
}

describe('a zip archive of images', () => {
  it.each([
    ['photos/', ['cat/1.png', 'dog/2.png']],
    ['photos/v2/', ['cat/1.png', 'dog/2.png']],
    ['photos/v2/data/', ['train/cat/1.png', 'train/dog/2.png']],
    // One class alone is a class, whatever it lies in.
    ['photos/', ['cat/1.png', 'cat/2.png']],
  ])('has paths below the folders that hold all of it: %s', async (root, names) => {
    const content = await png('#ff0000')
    const items = names.map((name) => ({ name: root + name, content }))
    const { train } = await openFolder({ ...options, folder: archiveOf(items) })
    expect(train.paths).toEqual(names)
  })

  it('has the paths, labels, splits and pixels of the folder', async () => {
    const files = {
      'cat/1.png': await png('#ff0000'),
      'dög/2.png': await png('#00ff00'),
      'unlabeled/3.png': await png('#0000ff'),
      'test/cat/4.png': await png('#ff00ff'),
      'test/dög/5.png': await png('#ffff00'),
    }
    const folder = await openFolder({ ...options, folder: folderOf(files) })
    const items = Object.entries(files).map(([name, content], i) => ({
      name: `photos/${name}`,
      content,
      method: i % 2 === 0 ? 8 : 0,
    }))
    const stray = { name: '__MACOSX/photos/._1.png', content: 'x' }
    const archive = archiveOf([{ name: 'photos/', content: '', method: 0 }, ...items, stray])
    const packed = await openFolder({ ...options, folder: archive })
    expect(packed.train).toMatchObject({
      name: 'photos',
      paths: folder.train.paths,
      classNames: ['cat', 'dög'],
    })
    expect([...packed.train.labels]).toEqual([0, 1, -1])
    expect([...packed.train.pixels.subarray()]).toEqual([...folder.train.pixels.subarray()])
    expect([...(packed.test?.images.pixels.subarray() ?? [])]).toEqual([
      ...(folder.test?.images.pixels.subarray() ?? []),
    ])
    expect(packed.test?.score([0, 1]).total).toBe(2)
    expect(packed.skipped).toEqual([])
  })

  it('is read with its labels file', async () => {
    const archive = archiveOf([
      { name: 'a.png', content: await png('#ff0000') },
      { name: 'b.png', content: await png('#00ff00') },
      { name: 'labels.csv', content: 'file_name,label\na.png,red\nb.png,green\n' },
    ])
    const { train } = await openFolder({ ...options, folder: archive, labels: 'required' })
    expect([...train.labels].map((label) => train.classNames[label])).toEqual(['red', 'green'])
  })

  it('keeps every table, and reads the bytes of names as a folder does', async () => {
    const latin = Buffer.from('h\xe9.png', 'latin1')
    const archive = archiveOf([
      { name: latin, content: await png('#ff0000'), flags: 0 },
      { name: 'dög.png', content: await png('#00ff00'), flags: 0 },
      { name: 'Labels.tsv', content: 'image\tclass\nhé\ta\ndög\tb\n' },
    ])
    const { train, understood } = await openFolder({ ...options, folder: archive, labels: 'required' })
    const labels = [...train.labels].map((label) => train.classNames[label])
    expect(Object.fromEntries(train.paths.map((path, i) => [path, labels[i]]))).toEqual({
      'hé.png': 'a',
      'dög.png': 'b',
    })
    expect(understood).toContain('2 classes from Labels.tsv (a 1, b 1)')
  })

  it('leaves out what leads away, is locked or damaged, each with its reason', async () => {
    const content = await png('#ff0000')
    const archive = archiveOf([
      { name: 'good.png', content },
      { name: '../out.png', content },
      { name: '/root.png', content },
      { name: 'link.png', content: 'good.png', attributes: 0o120777 },
      { name: 'locked.png', content, flags: 0x801, method: 0 },
      { name: 'deflate64.png', content, method: 9 },
      { name: 'damaged.png', content, checksum: 1 },
    ])
    const { train, skipped } = await openFolder({ ...options, folder: archive })
    expect(train.paths).toEqual(['good.png'])
    expect(Object.fromEntries(skipped.map(({ path, reason }) => [path, reason]))).toEqual({
      '../out.png': 'a path that leads out of the archive',
      '/root.png': 'a path that leads out of the archive',
      'link.png': 'a symbolic link, which is not followed in an archive',
      'locked.png': 'encrypted, which is not read; unpack it first',
      'deflate64.png': 'compressed by method 9, of which only Deflate is read; unpack it first',
      'damaged.png': 'damaged in the archive, its checksum differs',
    })
  })

  it('that is cut short, damaged or empty is refused', async () => {
    const whole = zip([{ name: 'a.png', content: await png('#ff0000') }])
    const folder = folderOf({ 'cut.zip': whole.subarray(0, -30), 'empty.zip': zip([]) })
    const cut = await failure(() => openFolder({ ...options, folder: join(folder, 'cut.zip') }))
    expect(cut.message).toMatch(/^archive \(.*cut.zip\): got a file that is cut short, expected a whole .zip/)
    writeFileSync(join(folder, 'more.zip'), Buffer.concat([whole, Buffer.alloc(50)]))
    const more = await failure(() => openFolder({ ...options, folder: join(folder, 'more.zip') }))
    expect(more.message).toContain('got a file with other bytes behind its end, expected a whole .zip')
    const empty = await failure(() => openFolder({ ...options, folder: join(folder, 'empty.zip') }))
    expect(empty.message).toContain('got no file in it, expected images in folders')
  })

  it('names archives in it, which are not looked into', async () => {
    const content = await png('#ff0000')
    const inner = zip([{ name: 'b.png', content }])
    const archive = archiveOf([
      { name: 'a.png', content },
      { name: 'more.zip', content: inner },
      { name: 'more.tar.gz', content: Buffer.from([0x1f, 0x8b, 8, 0]) },
    ])
    const { train, skipped } = await openFolder({ ...options, folder: archive })
    expect(train.paths).toEqual(['a.png'])
    expect(skipped).toEqual([
      { path: 'more.tar.gz', reason: 'an archive, which is not looked into; unpack it' },
      {
        path: 'more.zip',
        reason: 'a zip archive or a document made of one, which is not looked into; unpack it',
      },
    ])
  })

  it('is classified as a folder is', async () => {
    const archive = archiveOf([{ name: 'new/a.png', content: await png('#ffffff') }])
    const { images } = await openImages([archive], { size: 8, fit: 'cover', channels: 1 })
    expect(images.paths).toEqual([`${archive}/a.png`])
    expect(images.pixels.subarray()[0]).toBe(255)
  })
})
