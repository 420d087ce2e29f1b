import type { OfferedPlatform } from '@/api/types'

export const systemNames: Record<string, string> = {
  linux: 'Linux',
  darwin: 'macOS',
  windows: 'Windows',
  freebsd: 'FreeBSD',
}

const architectureNames: Record<string, string> = {
  amd64: 'Intel and AMD, 64 bit',
  arm64: 'ARM, 64 bit',
  arm: 'ARM, 32 bit',
  '386': 'Intel and AMD, 32 bit',
  riscv64: 'RISC-V, 64 bit',
  ppc64le: 'POWER, 64 bit',
  s390x: 'IBM Z',
}

/** The common name of an architecture, beside Go's. */
export const architectureName = (goos: string, goarch: string): string => {
  if (goos === 'darwin') return goarch === 'arm64' ? 'Apple silicon' : 'Intel'
  return architectureNames[goarch] ?? goarch
}

/** A browser's hints about its machine, as far as it gives any. */
export interface BrowserHints {
  platform: string
  architecture?: string
  bitness?: string
}

/** The initial platform. A wrong guess must be harmless, so an unknown machine is linux/amd64. */
export function guessPlatform({ platform, architecture, bitness }: BrowserHints): { goos: string; goarch: string } {
  const arm = architecture === 'arm'
  if (/mac/i.test(platform)) return { goos: 'darwin', goarch: architecture === 'x86' ? 'amd64' : 'arm64' }
  if (/win/i.test(platform)) return { goos: 'windows', goarch: arm ? 'arm64' : 'amd64' }
  if (/linux/i.test(platform) && arm) return { goos: 'linux', goarch: bitness === '32' ? 'arm' : 'arm64' }
  return { goos: 'linux', goarch: 'amd64' }
}

export const variantsOf = (platforms: OfferedPlatform[], goos: string, goarch: string): string[] =>
  (platforms.find((platform) => platform.goos === goos && platform.goarch === goarch)?.variants ?? []).filter(
    (variant) => variant !== 'none',
  )

/** Architectures on offer for a system, in the order of the server. */
export const architecturesOf = (platforms: OfferedPlatform[], goos: string): string[] =>
  platforms.filter((platform) => platform.goos === goos).map(({ goarch }) => goarch)

/** Go's default level of each architecture. */
const usualVariants: Record<string, string> = {
  amd64: 'v1',
  arm64: 'v8.0',
  arm: 'v7',
  '386': 'sse2',
  riscv64: 'rva20u64',
  ppc64le: 'power8',
}

/** Whether a level is the default, which isn't shown. */
export const isUsualVariant = (goarch: string, variant: string): boolean => variant === 'none' || usualVariants[goarch] === variant

/** The architecture for another system: the same if it is on offer, but arm64 for macOS. */
export function architectureFor(platforms: OfferedPlatform[], goos: string, present: string): string {
  const offered = architecturesOf(platforms, goos)
  const wanted = goos === 'darwin' ? 'arm64' : present
  return offered.includes(wanted) ? wanted : (offered[0] ?? present)
}
