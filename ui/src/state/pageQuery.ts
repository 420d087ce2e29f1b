/** Keeps the query of the address and the state of a page in sync. */
import { watch } from 'vue'
import { useRoute, useRouter, type LocationQueryRaw } from 'vue-router'

import { useLatestAfterFrame } from './afterFrame'

const plain = (query: Record<string, unknown>): string =>
  JSON.stringify(Object.entries(query).filter(([, value]) => value !== undefined && value !== '').sort())

/** `write` makes the query from the page's state; `read` sets the state from a query: at first, after back and forward, after a link. */
export function usePageQuery(write: () => Record<string, string | string[] | undefined>, read: (query: Record<string, unknown>) => void): void {
  const route = useRoute()
  const router = useRouter()
  const here = route.name

  read(route.query)
  watch(
    () => route.query,
    (query) => {
      if (route.name === here && plain(query) !== plain(write())) read(query)
    },
  )
  const tell = (): void => {
    if (route.name === here && plain(route.query) !== plain(write())) {
      void router.replace({ query: write() as LocationQueryRaw, hash: route.hash })
    }
  }
  tell()
  // A new address makes the router update every link, which takes longer than most pages take to show a typed letter.
  const later = useLatestAfterFrame()
  watch(
    () => plain(write()),
    () => later(tell),
  )
}

export const textOf = (value: unknown): string => (typeof value === 'string' ? value : '')

/** The parts of `a,b`. */
export const listOf = (value: unknown): string[] => textOf(value).split(',').filter(Boolean)
