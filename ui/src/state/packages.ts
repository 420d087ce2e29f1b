/** The packages of the chosen releases, and which of them can't go into a binary for the chosen platform. */
import { computed, shallowRef, watch } from 'vue'

import { getCatalog } from '@/api/catalog'
import { toApiError, type ApiError } from '@/api/error'
import type { CatalogAnswer, ReleaseSummary } from '@/api/types'
import { commonGoVersions } from '@/lib/goReleases'
import { listPackages, mainModule, moduleOf, whyUnavailable, type ListedPackage } from '@/lib/packages'

import { useCatalog } from './catalog'
import { useSelection } from './selection'

const fetched = shallowRef<Record<string, CatalogAnswer>>({})
const releaseError = shallowRef<ApiError>()

export function usePackages() {
  const { catalog, error, reload } = useCatalog()
  const { selection } = useSelection()

  const chosenOf = (module: string): ReleaseSummary | undefined => {
    const wanted = selection.modules[module]
    const releases = catalog.value?.releases.filter((release) => release.module === module) ?? []
    return releases.find((release) => (wanted ? release.version === wanted : release.newest))
  }

  watch(
    () => [catalog.value, ...Object.entries(selection.modules).map(([module, version]) => `${module}@${version}`)],
    async () => {
      for (const [module, version] of Object.entries(selection.modules)) {
        const release = chosenOf(module)
        const key = `${module}@${version}`
        if (!release || release.newest || fetched.value[key]) continue
        try {
          fetched.value = { ...fetched.value, [key]: await getCatalog(module, version) }
          releaseError.value = undefined
        } catch (thrown) {
          releaseError.value = toApiError(thrown)
        }
      }
    },
    { immediate: true },
  )

  const packages = computed<ListedPackage[]>(() => {
    if (!catalog.value) return []
    const chosen = Object.entries(selection.modules).flatMap(([module, version]) => fetched.value[`${module}@${version}`] ?? [])
    return listPackages(catalog.value, chosen)
  })
  const platform = computed(() => `${selection.goos}/${selection.goarch}`)
  const reasons = computed(() => new Map(packages.value.map((listed) => [listed, whyUnavailable(listed, platform.value, chosenOf(listed.module)?.version)])))
  const whyNot = (listed: ListedPackage): string | undefined => reasons.value.get(listed)

  /** Modules whose release can be chosen: the main one, and those of the picked packages. */
  const modules = computed<string[]>(() => {
    if (!catalog.value) return []
    const known = [...new Set(catalog.value.releases.map(({ module }) => module))]
    const used = selection.packages.flatMap((reference) => moduleOf(reference.split('@')[0] ?? '', known) ?? [])
    return [...new Set([mainModule(catalog.value) ?? known[0] ?? '', ...used])].filter(Boolean)
  })
  /** Go releases that all of those modules can be built with. */
  const goVersions = computed<string[]>(() => commonGoVersions(modules.value.map((module) => chosenOf(module)?.goVersions ?? [])))

  return { catalog, packages, error: computed(() => error.value ?? releaseError.value), reload, whyNot, modules, goVersions, chosenOf }
}
