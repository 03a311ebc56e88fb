/** `handful data` from its arguments to what is printed. */
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { folderOf, png, temporaryFolder } from '../data/support.js'
import { handful } from './harness.js'

describe('handful data', () => {
  test.each([
    [['data', '--help']],
    ...['list', 'fetch', 'verify', 'stats'].map((name) => [['data', name, '-h']]),
  ])('help of %j goes to stdout, with examples first, within 100 columns', async (args) => {
    const { exit, stdout, stderr } = await handful(args)
    expect({ exit, stderr }).toEqual({ exit: 0, stderr: '' })
    expect(stdout.indexOf('Examples:\n  handful data')).toBeGreaterThan(0)
    expect(stdout).toContain(`Usage:\n  handful ${args.slice(0, -1).join(' ')}`)
    expect(stdout.split('\n').filter((line) => line.length > 100)).toEqual([])
  })

  test.each([
    [
      'data',
      /^error: command: got data alone, expected list, fetch, verify, stats; see handful data --help$/,
    ],
    ['data lst', /got lst, expected list, fetch, verify, stats; did you mean list\?/],
    ['data fetch', /got no <set>.*see handful data fetch --help/],
    ['data fetch cifar', /got "cifar", expected mnist, cifar10, cifar100; did you mean cifar10\?/],
    ['data verify strokes', /got strokes, which is generated and has no files/],
    [
      'data stats mnist --sise 8',
      /got --sise, expected an option of handful data stats; did you mean --size\?/,
    ],
    [
      'data fetch mnist --mirror ftp://host',
      /--mirror: got "ftp:\/\/host", expected a folder as http or https URL/,
    ],
  ])('%s is a wrong use', async (line, message) => {
    const { exit, stdout, stderr } = await handful(line.split(' '), {
      environment: { HANDFUL_CACHE: temporaryFolder() },
    })
    expect({ exit, stdout }).toEqual({ exit: 2, stdout: '' })
    expect(stderr.trimEnd()).toMatch(message)
  })

  test('list says what is there and how to get what is not', async () => {
    const environment = { HANDFUL_DATA: folderOf({ 'mnist/x': '' }), HANDFUL_CACHE: temporaryFolder() }
    const { stdout } = await handful(['data', 'list'], { environment })
    expect(stdout).toMatch(
      /mnist {5}MNIST: .*\n.*CC BY-SA 3\.0\n {10}not here; handful data fetch mnist \(11\.3 MB\)/,
    )
    const { stdout: json } = await handful(['data', 'list', '--json'], { environment })
    expect(JSON.parse(json)).toHaveLength(4)
  })

  test('verify prints a line for each file and fails where one is wrong', async () => {
    const folder = folderOf({ 'train.bin': 'x' })
    const { exit, stdout, stderr } = await handful([
      'data',
      'verify',
      'cifar100',
      '--data-dir',
      folder,
      '--quiet',
    ])
    expect(exit).toBe(1)
    expect(stdout).toContain('missing  fine_label_names.txt is missing\n')
    expect(stdout).toContain('wrong    train.bin has 1 bytes, not 153700000')
    expect(stderr).toMatch(/got 4 of 4 missing or wrong.*handful data fetch cifar100 fetches them again\n$/)
  })

  test('stats describes a folder in words and as JSON', async () => {
    const [red, blue] = await Promise.all([png('#f00', 12, 10), png('#00f', 12, 10)])
    const folder = folderOf({ 'cat/1.png': red, 'cat/2.png': red, 'dog/1.png': blue, 'dog/2.png': 'bad' })
    const { exit, stdout, stderr } = await handful(['data', 'stats', folder, '--quiet'])
    expect(exit).toBe(0)
    expect(stdout.replaceAll(/ +/g, ' ')).toBe(
      [
        'Images 3',
        'Labels all, of 2 classes',
        ' cat 2',
        ' dog 1',
        'Sizes all 12x10',
        'Channels 3',
        'Mean 0.6667 0.0000 0.3333 (red green blue, 0 to 1, at 32x32)',
        'Deviation 0.4714 0.0000 0.4714',
        'Copies 1 images equal another one, in 1 groups',
        ' cat/1.png = cat/2.png',
        'Unreadable 1 files',
        '',
      ].join('\n'),
    )
    expect(stderr).toBe('Skipped dog/2.png: not an image\n')
    const json = JSON.parse((await handful(['data', 'stats', folder, '--json', '--quiet'])).stdout) as {
      images: unknown
    }
    expect(json.images).toEqual({ train: 3, test: 0 })
    const missing = await handful(['data', 'stats', join(folder, 'nope'), '--quiet'])
    expect(missing).toMatchObject({ exit: 1, stdout: '' })
    expect(missing.stderr).toMatch(
      /got nothing there, expected a folder of images, an archive or a Parquet file/,
    )
  })
})
