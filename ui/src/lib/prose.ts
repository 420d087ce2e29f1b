/** Parses upstream documentation of components, which is Markdown or AsciiDoc, as far as a readable display needs it. */

export type Inline = { kind: 'text' | 'code' | 'strong'; text: string } | { kind: 'link'; text: string; href: string }

export type Block =
  | { kind: 'heading'; text: string }
  | { kind: 'paragraph'; parts: Inline[] }
  | { kind: 'list'; items: Inline[][] }
  | { kind: 'code'; text: string }

const FENCE = /^(?:```|~~~|----|\.\.\.\.)/
const HEADING = /^(?:#{1,6}|={1,6})\s+(.+?)\s*#*$/
const ITEM = /^\s*(?:[-*+]|\d+\.|\.)\s+(.*)$/
/** AsciiDoc markup that only styles the next block. */
const DIRECTIVE = /^(?:\[[^\]]*\]|:[\w-]+:.*|(?:endif|ifdef|ifndef|include)::.*|====+|--)$/
const INLINE =
  /`+([^`]+)`+|\*\*([^*]+)\*\*|\[([^\]]+)\]\((https?:\/\/[^)\s]+)\)|(https?:\/\/[^\s[\]<>()^]+)(?:\[([^\]]*)\])?|xref:([^\s[\]]*)\[([^\]]*)\]|<<[^,>]*,?([^>]*)>>/g

/** The blocks in order; unknown markup stays text. */
export function readProse(text: string): Block[] {
  const blocks: Block[] = []
  let lines: string[] = []
  let items: string[] = []
  const flush = (): void => {
    if (items.length > 0) blocks.push({ kind: 'list', items: items.map(readInline) })
    if (lines.length > 0) blocks.push({ kind: 'paragraph', parts: readInline(lines.join(' ')) })
    items = []
    lines = []
  }
  const all = text.split('\n')
  for (let at = 0; at < all.length; at++) {
    const line = all[at] ?? ''
    const fence = FENCE.exec(line)?.[0]
    const heading = HEADING.exec(line)
    const item = ITEM.exec(line)
    if (fence !== undefined) {
      flush()
      const code: string[] = []
      for (at += 1; at < all.length && !all[at]?.startsWith(fence); at++) code.push(all[at] ?? '')
      blocks.push({ kind: 'code', text: code.join('\n') })
    } else if (line.trim() === '' || line.trim() === '+') {
      if (line.trim() === '') flush()
    } else if (DIRECTIVE.test(line.trim())) flush()
    else if (heading) {
      flush()
      blocks.push({ kind: 'heading', text: plain(heading[1] ?? '') })
    } else if (item) {
      if (lines.length > 0) flush()
      items.push(item[1] ?? '')
    } else if (items.length > 0) items.push(`${items.pop() ?? ''} ${line.trim()}`)
    else lines.push(line.trim())
  }
  flush()
  return blocks
}

/** Code, links and emphasis within a line. */
export function readInline(text: string): Inline[] {
  const parts: Inline[] = []
  let from = 0
  for (const match of text.matchAll(INLINE)) {
    const [whole, code, strong, name, address, bare, label, target, reference, anchor] = match
    if (match.index > from) parts.push({ kind: 'text', text: text.slice(from, match.index) })
    if (code !== undefined) parts.push({ kind: 'code', text: code })
    else if (strong !== undefined) parts.push({ kind: 'strong', text: strong })
    else if (name !== undefined && address !== undefined) parts.push({ kind: 'link', text: plain(name), href: address })
    else if (bare !== undefined) {
      const href = bare.replace(/[.,;:]+$/, '')
      parts.push({ kind: 'link', text: plain(label?.replace(/\^$/, '') ?? '') || href, href })
      if (label === undefined && href !== bare) parts.push({ kind: 'text', text: bare.slice(href.length) })
    } else parts.push({ kind: 'text', text: plain(reference ?? anchor ?? '') || pageOf(target) || whole })
    from = match.index + whole.length
  }
  if (from < text.length) parts.push({ kind: 'text', text: text.slice(from) })
  return parts
}

/** The name of a page that is linked without a text: the last part of its path. */
const pageOf = (target: string | undefined): string | undefined => /([^/:#.]+)(?:\.adoc)?(?:#.*)?$/.exec(target ?? '')?.[1]

/** Without backticks. */
const plain = (text: string): string => text.replaceAll('`', '').trim()
