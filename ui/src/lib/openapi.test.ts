import { execFileSync } from 'node:child_process'
import { readFileSync } from 'node:fs'

import { describe, expect, it } from 'vitest'

import { callsOf, codeParts, curlOf, findCalls, groupCalls, isTryable, prettyBody, tryAddress, type Call, type OpenapiDocument } from './openapi'
import { resolveSchema, schemaTree, type SchemaNode } from './schemaTree'

const document = JSON.parse(readFileSync(new URL('../../openapi.json', import.meta.url), 'utf8')) as OpenapiDocument
const calls = callsOf(document)
const call = (slug: string): Call => calls.find((it) => it.slug === slug)!
const origin = 'https://w.example'
const find = (nodes: SchemaNode[], name: string): SchemaNode => nodes.find((node) => node.name === name)!

describe('calls', () => {
  it('are complete, each with its own anchor', () => {
    expect(calls.length).toBeGreaterThan(20)
    expect(new Set(calls.map(({ slug }) => slug)).size).toBe(calls.length)
    expect(calls.map(({ slug }) => slug).filter((slug) => !/^[\w.-]+$/.test(slug))).toEqual([])
  })

  it('have a name even without an operationId, and the parameters of their path', () => {
    const path = '/a/{b}/c.json'
    const [made] = callsOf({ info: { title: '', version: '' }, paths: { [path]: { get: { responses: {} }, parameters: [{ name: 'b', in: 'path' }] } } })
    expect(made).toMatchObject({ slug: 'get-a-b-c.json', needsToken: false, parameters: [{ name: 'b' }] })
  })

  it('are grouped by tag, in the order of the document', () => {
    const groups = groupCalls(document, calls)
    expect(groups.map(({ name }) => name)).toEqual(document.tags!.map(({ name }) => name))
    expect(groups.flatMap((group) => group.calls)).toHaveLength(calls.length)
    expect(groupCalls({ ...document, tags: [] }, [{ ...call('isAlive'), tags: [] }])[0]?.name).toBe('healthz')
  })

  it('are found by method, path, words and parameters', () => {
    expect(findCalls(calls, 'POST resolve').map(({ slug }) => slug)).toEqual(['resolve'])
    expect(findCalls(calls, 'purge').map(({ slug }) => slug)).toEqual(['cancelBuild'])
    expect(findCalls(calls, ' ')).toHaveLength(calls.length)
  })
})

describe('curl', () => {
  it('contains the examples of the document', () => {
    expect(curlOf(origin, call('listBuilds'))).toBe('curl -sS https://w.example/api/builds')
    const line = curlOf(origin, call('requestBuild'))
    expect(line).toMatch(/^curl -sS -H 'Content-Type: application\/json' --data-binary '\{.*\}' https:\/\/w\.example\/api\/builds$/)
    expect(curlOf(origin, call('lintPipeline'))).toContain("'Content-Type: application/yaml' --data-binary 'input:\n")
    expect(curlOf(origin, call('download'))).toBe('curl -sS -L -o wombat https://w.example/dl/linux/amd64')
  })

  it('has placeholders for values without an example', () => {
    expect(curlOf(origin, call('cancelBuild'))).toBe("curl -sS -X DELETE -H 'Authorization: Bearer <token>' 'https://w.example/api/builds/<id>'")
    expect(curlOf(origin, call('describeBinary'))).toContain("-I 'https://w.example/artifacts/linux/amd64/<go>/<hash>'")
    expect(curlOf(origin, call('followBuild'))).toContain(' -N ')
  })

  it('contains the typed values', () => {
    expect(curlOf(origin, call('getBuild'), { id: 'a/b', wait: '5' })).toBe("curl -sS 'https://w.example/api/builds/a%2Fb?wait=5'")
  })

  it.each(calls.map((it) => [it.slug, it] as const))('is one command of a shell: %s', (_, it) => {
    const shown = execFileSync('sh', ['-c', `curl() { for last; do :; done; printf %s "$last"; }; ${curlOf(origin, it)}`], { encoding: 'utf8' })
    expect(shown.startsWith(`${origin}/`)).toBe(true)
  })
})

describe('trying a call', () => {
  it('is possible if it changes nothing, needs no token and ends', () => {
    for (const slug of ['listBuilds', 'getBuild', 'readLog', 'isAlive', 'getOpenapi']) expect(isTryable(call(slug)), slug).toBe(true)
    for (const slug of ['requestBuild', 'getBlocklist', 'followAll', 'followBuild', 'getBinary', 'describeBinary', 'download']) {
      expect(isTryable(call(slug)), slug).toBe(false)
    }
  })

  it('waits for required values', () => {
    expect(tryAddress(call('getComponent'), { kind: 'input' })).toBeUndefined()
    expect(tryAddress(call('getComponent'), { kind: 'input', name: 'a b' })).toBe('/api/catalog/components/input/a%20b')
    expect(tryAddress(call('listBuilds'), { q: 'status:failed', limit: '' })).toBe('/api/builds?q=status%3Afailed')
  })
})

describe('schemas', () => {
  const tree = (name: string): SchemaNode => schemaTree(document, { $ref: `#/components/schemas/${name}` })

  it('follow references, and keep the keywords beside them', () => {
    const failure = find(tree('BuildView').children, 'failure')
    expect(failure).toMatchObject({ type: 'FailureJson', required: false, description: 'Why it failed, for programs.' })
    expect(find(failure.children, 'class').values.map(({ value }) => value)).toContain('compile')
    expect(find(tree('BuildView').children, 'id').required).toBe(true)
  })

  it('describe values, unless the description repeats the value', () => {
    expect(tree('Status').values[0]).toEqual({ value: 'new', description: 'Waits for a builder.' })
    expect(find(tree('BuildView').children, 'goos').values[0]).toEqual({ value: 'linux', description: undefined })
  })

  it('distinguish lists, maps and choices', () => {
    const list = find(tree('ListAnswer').children, 'builds')
    expect(list.type).toBe('list of BuildView')
    expect(find(list.children, 'sha256')).toBeDefined()
    expect(find(tree('Recipe').children, 'files').children.map(({ name, type }) => [name, type])).toEqual([['any name', 'text']])
    expect(tree('LoggedEntry').children.map(({ name }) => name)).toContain('event: claimed')
  })

  it('end at recursion', () => {
    const children = find(tree('Field').children, 'children')
    expect(children.children).toMatchObject([{ name: 'each', type: 'Field', isRepeated: true, children: [] }])
    const loop: OpenapiDocument = { ...document, components: { schemas: { A: { $ref: '#/components/schemas/B' }, B: { $ref: '#/components/schemas/A' } } } }
    expect(resolveSchema(loop, { $ref: '#/components/schemas/A' }).schema).toEqual({})
    expect(schemaTree(document, { $ref: '#/nowhere' })).toMatchObject({ type: '#/nowhere', children: [] })
  })

  it('can be expanded to the last node, for every call', () => {
    let nodes = 0
    const open = (node: SchemaNode, depth: number): void => {
      nodes++
      expect(depth).toBeLessThan(15)
      expect(node.type).not.toBe('')
      for (const child of node.children) open(child, depth + 1)
    }
    for (const { requestBody, responses } of calls) {
      const contents = [requestBody?.content, ...Object.values(responses).map(({ content }) => content)]
      for (const media of contents.flatMap((content) => Object.values(content ?? {}))) if (media.schema) open(schemaTree(document, media.schema), 0)
    }
    expect(nodes).toBeGreaterThan(200)
  })
})

it('bodies are formatted for display', () => {
  expect(prettyBody('{"a":1}')).toBe('{\n  "a": 1\n}')
  expect(prettyBody('ok')).toBe('ok')
  expect(codeParts('a `b` c')).toEqual([{ text: 'a ', isCode: false }, { text: 'b', isCode: true }, { text: ' c', isCode: false }])
})
