/** The selection, one for the whole site; the Build page mirrors it in the address. */
import { computed, reactive, readonly, ref } from 'vue'

import { flawsOf } from '@/lib/distribution'
import { splitReference } from '@/lib/packages'
import { guessPlatform, type BrowserHints } from '@/lib/platforms'
import { emptySelection, fromQuery, isEmpty, toQuery, toRequest, type Selection } from '@/lib/selection'

interface UserAgentData {
  platform: string
  getHighEntropyValues: (hints: string[]) => Promise<BrowserHints>
}

const selection = reactive<Selection>(emptySelection())
/** Chosen by the user or by an address, not guessed. */
const platformIsChosen = ref(false)

const hinted = (): UserAgentData | undefined => (navigator as Navigator & { userAgentData?: UserAgentData }).userAgentData

/** Guesses the platform from the browser's hints, unless the user or the address has named one. */
async function preselectPlatform(): Promise<void> {
  const data = hinted()
  const hints: BrowserHints = data
    ? await data.getHighEntropyValues(['architecture', 'bitness']).catch(() => ({ platform: data.platform }))
    : { platform: navigator.platform }
  if (!platformIsChosen.value) Object.assign(selection, guessPlatform({ ...hints, platform: hints.platform || data?.platform || '' }))
}

void preselectPlatform()

const picked = computed(() => new Set(selection.packages.map((reference) => splitReference(reference).path)))

export function useSelection() {
  const has = (path: string): boolean => picked.value.has(path)

  const toggle = (path: string): void => {
    if (has(path)) remove(path)
    else selection.packages.push(path)
  }
  const add = (reference: string): void => {
    remove(splitReference(reference).path)
    selection.packages.push(reference)
  }
  const remove = (path: string): void => {
    selection.packages = selection.packages.filter((reference) => splitReference(reference).path !== path)
  }
  /** Replaces all picks. */
  const pick = (paths: string[]): void => {
    Object.assign(selection, { packages: [...paths], components: [], base: 'standard' })
  }
  const removeComponent = (name: string): void => {
    selection.components = selection.components.filter((component) => component !== name)
  }
  const clear = (): void => {
    selection.packages = []
    selection.components = []
  }
  const setPlatform = (goos: string, goarch: string): void => {
    platformIsChosen.value = true
    if (goarch !== selection.goarch) selection.variant = undefined
    Object.assign(selection, { goos, goarch })
  }
  const setVariant = (variant: string | undefined): void => {
    selection.variant = variant
  }
  const setGo = (go: string | undefined): void => {
    selection.go = go
  }
  const setBase = (base: Selection['base']): void => {
    selection.base = base
  }
  const setName = (name: string): void => {
    selection.name = name.trim() || undefined
  }
  const setVersion = (version: string): void => {
    selection.version = version.trim() || undefined
  }
  const setRelease = (module: string, version: string | undefined): void => {
    const others = Object.entries(selection.modules).filter(([name]) => name !== module)
    selection.modules = Object.fromEntries(version ? [...others, [module, version]] : others)
    selection.go = undefined
  }
  /** Takes the selection from an address. */
  const read = (query: Record<string, unknown>): void => {
    if (typeof query.platform === 'string') platformIsChosen.value = true
    Object.assign(selection, fromQuery(query, selection))
  }

  return {
    selection: readonly(selection) as Readonly<Selection>,
    /** Empty until something is chosen: a guessed platform doesn't belong in an address. */
    query: computed(() => {
      const query = toQuery(selection)
      return Object.keys(query).length === 1 && !platformIsChosen.value ? {} : query
    }),
    request: computed(() => toRequest(selection)),
    /** What is wrong with the typed name and version. */
    flaws: computed(() => flawsOf(selection)),
    empty: computed(() => isEmpty(selection)),
    size: computed(() => selection.packages.length + selection.components.length),
    has,
    toggle,
    add,
    remove,
    pick,
    removeComponent,
    clear,
    setPlatform,
    setVariant,
    setGo,
    setBase,
    setName,
    setVersion,
    setRelease,
    read,
  }
}
