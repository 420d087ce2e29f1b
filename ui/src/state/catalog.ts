/** The catalog, fetched once and kept for all pages. */
import { computed, shallowRef } from 'vue'

import { getCatalog, getPlatforms, getVersion } from '@/api/catalog'
import { toApiError, type ApiError } from '@/api/error'
import type { CatalogAnswer, PlatformsAnswer, VersionAnswer } from '@/api/types'

const RETRY_AFTER = 3000

/** Fetches once, retries while the server can't be reached, and keeps the answer. */
function keep<T>(fetcher: () => Promise<T>) {
  const data = shallowRef<T>()
  const error = shallowRef<ApiError>()
  let running = false

  async function load(): Promise<void> {
    if (running || data.value !== undefined) return
    running = true
    try {
      data.value = await fetcher()
      error.value = undefined
    } catch (thrown) {
      error.value = toApiError(thrown)
      if (error.value.isPassing) setTimeout(() => void load(), RETRY_AFTER)
    }
    running = false
  }
  return { data, error, load }
}

const catalog = keep<CatalogAnswer>(() => getCatalog())
const platforms = keep<PlatformsAnswer>(getPlatforms)
const version = keep<VersionAnswer>(getVersion)

export function useCatalog() {
  void catalog.load()
  return { catalog: catalog.data, error: catalog.error, reload: catalog.load }
}

export function usePlatforms() {
  void platforms.load()
  return computed(() => platforms.data.value?.platforms ?? [])
}

export function useServerVersion() {
  void version.load()
  return version.data
}
