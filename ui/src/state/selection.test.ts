import { expect, it, vi } from 'vitest'

import { useSelection } from './selection'

vi.hoisted(() => vi.stubGlobal('navigator', { platform: 'Linux x86_64' }))

it('is in the address as soon as anything but the guessed platform is chosen', () => {
  const { query, setName, setVersion, setGo, setPlatform } = useSelection()
  expect(query.value).toEqual({})
  setName(' acme-connect ')
  expect(query.value).toEqual({ platform: 'linux/amd64', name: 'acme-connect' })
  setName(' ')
  setVersion('1.4.0')
  expect(query.value).toEqual({ platform: 'linux/amd64', version: '1.4.0' })
  setVersion('')
  setGo('1.26.8')
  expect(query.value).toEqual({ platform: 'linux/amd64', go: '1.26.8' })
  setGo(undefined)
  expect(query.value).toEqual({})
  setPlatform('linux', 'arm64')
  expect(query.value).toEqual({ platform: 'linux/arm64' })
})

it('says what is wrong with a name, and doesn’t send it', () => {
  const { flaws, request, setName, setVersion } = useSelection()
  setName('Acme')
  setVersion('1.4.0')
  expect(flaws.value).toEqual({ name: 'A name has no capital letters.', version: undefined })
  expect(request.value).toEqual({ goos: 'linux', goarch: 'arm64', version: '1.4.0' })
  setName('acme')
  expect(flaws.value).toEqual({ name: undefined, version: undefined })
  expect(request.value.name).toBe('acme')
})
