/** The part of an address that says what is shown, kept in step with what the page holds. */
import { watch } from 'vue'
import { useRoute, useRouter, type LocationQueryRaw } from 'vue-router'

import { useLatestAfterFrame } from './afterFrame'

const plain = (query: Record<string, unknown>): string =>
  JSON.stringify(Object.entries(query).filter(([, value]) => value !== undefined && value !== '').sort())

/** `write` says what the address should be, `read` takes over what it is: at first, by back and forward, by a link. */
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
  // Another address takes the router and every link longer than most pages take to show what was typed.
  const later = useLatestAfterFrame()
  watch(
    () => plain(write()),
    () => later(tell),
  )
}

export const textOf = (value: unknown): string => (typeof value === 'string' ? value : '')

/** `a,b` in its parts. */
export const listOf = (value: unknown): string[] => textOf(value).split(',').filter(Boolean)
