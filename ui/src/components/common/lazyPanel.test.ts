/* eslint-disable vue/one-component-per-file */
import { createRenderer, defineComponent, h, nextTick } from 'vue'
import { expect, it, vi } from 'vitest'

import { lazyPanel } from './lazyPanel'

interface TestNode {
  text: string
  parent?: TestNode
  children: TestNode[]
}

let again: (() => void) | undefined
vi.mock('./ChunkError.vue', () => ({
  default: {
    emits: ['retry'],
    setup(_: unknown, { emit }: { emit: (name: string) => void }) {
      again = () => emit('retry')
      return () => 'failed'
    },
  },
}))

/** A minimal document for the renderer. */
const make = (text = ''): TestNode => ({ text, children: [] })
const remove = (node: TestNode): void => {
  if (node.parent) node.parent.children = node.parent.children.filter((child) => child !== node)
}
const { createApp } = createRenderer<TestNode, TestNode>({
  createElement: () => make(),
  createText: make,
  createComment: () => make(),
  setText: (node, text) => (node.text = text),
  setElementText: (node, text) => (node.children = [make(text)]),
  insert(node, parent, before) {
    remove(node)
    node.parent = parent
    parent.children.splice(before ? parent.children.indexOf(before) : parent.children.length, 0, node)
  },
  remove,
  patchProp: () => undefined,
  parentNode: (node) => node.parent ?? null,
  nextSibling: (node) => node.parent?.children[node.parent.children.indexOf(node) + 1] ?? null,
})
const shown = (node: TestNode): string => node.text + node.children.map(shown).join('')

async function settled(): Promise<void> {
  await new Promise((done) => setTimeout(done))
  await nextTick()
}

it('shows an error when a part couldn’t be fetched, and fetches it again', async () => {
  const Panel = defineComponent({ props: { word: { type: String, default: '' } }, setup: (props, { slots }) => () => h('p', [props.word, slots.default?.()]) })
  let isAway = true
  const load = vi.fn(() => (isAway ? Promise.reject(new Error('away')) : Promise.resolve({ default: Panel })))
  const Lazy = lazyPanel(load)
  const root = make()
  const app = createApp({ render: () => h(Lazy, { word: 'here' }, () => ' it is') })
  app.config.errorHandler = () => undefined
  app.mount(root)
  await settled()
  expect(shown(root)).toBe('failed')
  again?.()
  await settled()
  expect([shown(root), load.mock.calls.length]).toEqual(['failed', 2])
  isAway = false
  again?.()
  await settled()
  expect([shown(root), load.mock.calls.length]).toEqual(['here it is', 3])
})
