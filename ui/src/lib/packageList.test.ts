import { expect, it } from 'vitest'

import { readPackageList } from './packageList'

it('parses lists from many sources', () => {
  const text = `# mine
github.com/a/b, github.com/a/c@v1.2.3   // both
import (
  _ "github.com/a/d"
)
- github.com/a/e`
  expect(readPackageList(text).map(({ line, reference, problem }) => [line, reference, problem])).toEqual([
    [2, 'github.com/a/b', undefined],
    [2, 'github.com/a/c@v1.2.3', undefined],
    [4, 'github.com/a/d', undefined],
    [6, 'github.com/a/e', undefined],
  ])
})

it('names the problem of each line', () => {
  const problems = readPackageList('nats\n\nhttps://github.com/a/b\ngithub.com/a/b@latest\ngithub.com/a/c\ngithub.com/a/c')
  expect(problems.map(({ line, problem }) => [line, problem?.split(' ')[0]])).toEqual([
    [1, 'A'],
    [3, 'Leave'],
    [4, 'A'],
    [5, undefined],
    [6, 'It'],
  ])
})

it('asks for a version where the catalog doesn’t have the module', () => {
  const problems = (text: string, modules?: string[]) => readPackageList(text, modules).map(({ problem }) => problem)
  expect(problems('github.com/a/b/c github.com/a/bc github.com/a/bc@v1.0.0', ['github.com/a/b'])).toEqual([
    undefined,
    'The catalog doesn’t have its module, so add a version, such as github.com/a/bc@v1.2.3.',
    undefined,
  ])
  expect(problems('github.com/a/bc')).toEqual([undefined])
  expect(problems('nats', [])[0]).toMatch(/^A path begins/)
})
