/** What a shell completes, asked of bash itself where there is one. */
import { execFileSync } from 'node:child_process'
import { describe, expect, test } from 'vitest'
import { HEADS } from '../../src/names.js'
import { handful } from './harness.js'

function hasBash(): boolean {
  try {
    return execFileSync('bash', ['--version']).length > 0
  } catch {
    return false
  }
}

/** What bash offers for the last of some words. */
async function offered(...words: string[]): Promise<string[]> {
  const { stdout } = await handful(['completion', 'bash'])
  const typed = words.map((word) => `'${word}'`).join(' ')
  const ask = `COMP_WORDS=(${typed}); COMP_CWORD=${words.length - 1}; _handful; printf '%s\\n' "\${COMPREPLY[@]}"`
  return execFileSync('bash', ['-c', `${stdout}\n${ask}`], { encoding: 'utf8' })
    .split('\n')
    .filter(Boolean)
}

describe.skipIf(!hasBash())('bash offers', () => {
  test('commands', async () => {
    expect(await offered('handful', 'pre')).toEqual(['predict', 'prepare', 'pretrain'])
    expect(await offered('handful', 'labels', 'ex')).toEqual(['export'])
  })

  test('the options of a command, and of one in a group', async () => {
    expect(await offered('handful', 'fit', '--labels-per')).toEqual(['--labels-per-class'])
    expect(await offered('handful', 'labels', 'set', '--la')).toEqual(['--label'])
  })

  test('the words that an option takes', async () => {
    expect(await offered('handful', 'fit', 'photos', '--head', '')).toEqual([...HEADS])
  })

  test('files, by nothing of its own, everywhere else', async () => {
    expect(await offered('handful', 'fit', 'pho')).toEqual([])
  })
})

test('zsh and fish are told every command and option', async () => {
  const [zsh, fish] = await Promise.all(['zsh', 'fish'].map((shell) => handful(['completion', shell])))
  expect(zsh.stdout).toContain('#compdef handful')
  expect(zsh.stdout).toMatch(/'fit'\) compadd -- .*--labels-per-class/)
  expect(fish.stdout).toMatch(/__fish_seen_subcommand_from fit' -l head -x -a 'auto /)
  expect(fish.stdout).toMatch(/__fish_seen_subcommand_from data; and not .* -a list/)
})

test('another shell is refused by name', async () => {
  const { exit, stderr } = await handful(['completion', 'zhs'])
  expect(exit).toBe(2)
  expect(stderr).toMatch(/shell: got zhs, expected bash, zsh or fish; did you mean zsh\?/)
})
