/** The JSON of the REST API, field by field as the `wombat-model` crate writes it. */

export type Goos = 'linux' | 'darwin' | 'windows' | 'freebsd'
export type Goarch = 'amd64' | 'arm64' | 'arm' | '386' | 'riscv64' | 'ppc64le' | 's390x'

export type Status = 'new' | 'building' | 'success' | 'failed' | 'cancelled'
export type Phase = 'queued' | 'resolve' | 'download' | 'compile' | 'link' | 'upload'
export type FailureClass = 'input' | 'compile' | 'resource' | 'infra' | 'lost' | 'internal'
export type Licence = 'apache' | 'community' | 'rcl'
export type PlatformSupport = 'compiles' | 'empty' | 'fails'
export type ComponentKind =
  | 'input'
  | 'output'
  | 'processor'
  | 'cache'
  | 'buffer'
  | 'rate_limit'
  | 'metric'
  | 'tracer'
  | 'scanner'
  | 'bloblang_function'
  | 'bloblang_method'

/** Body of `POST /api/builds` and `POST /api/resolve`. */
export interface RequestBody {
  goos: string
  goarch: string
  goVersion?: string
  packages?: string[]
  components?: string[]
  modules?: Record<string, string>
  variant?: string
  base?: 'standard' | 'pure'
  force?: boolean
}

export interface PackageJson {
  url: string
  module: string
  base?: boolean
}

export interface FailureJson {
  class: FailureClass
  package?: string
}

export interface Progress {
  done: number
  total: number
  cached: number
}

export interface Queue {
  position: number
  length: number
  builders: number
}

export interface BuildJson {
  goos: Goos
  goarch: Goarch
  variant: string
  goversion: string
  packages: PackageJson[]
  modules: Record<string, string>
  graph: string
  template: number
  tags: string[]
  ldflags: string
  catalogRevision: number
  status: Status
  attempt: number
  builder?: string
  claim?: string
  artifact?: string
  size?: number
  sha256?: string
  builtBy?: string
  expired?: boolean
  error?: string
  failure?: FailureJson
  lastError?: string
  notReproducible?: boolean
  otherSha256?: string
  requested: string
  claimed?: string
  finished?: string
  /** Milliseconds by phase. */
  timings?: Partial<Record<Phase, number>>
}

/** A build with everything that changes too often for its record. */
export interface BuildView extends BuildJson {
  id: string
  revision: number
  phase?: Phase
  progress?: Progress
  queue?: Queue
  etaSeconds?: number
}

export interface FacetCount {
  value: string
  count: number
}

export type FacetField = 'status' | 'goos' | 'goarch' | 'go' | 'module' | 'package' | 'builder'
export type Facets = Partial<Record<FacetField, FacetCount[]>>

export interface ListAnswer {
  builds: BuildView[]
  total: number
  nextCursor?: string
  facets?: Facets
}

export interface ResolvedPackage {
  url: string
  module: string
  version: string
  base: boolean
  licence?: Licence
  reason: string
}

export interface ResolveAnswer {
  id: string
  goos: Goos
  goarch: Goarch
  variant: string
  goversion: string
  packages: ResolvedPackage[]
  modules: Record<string, string>
  graph: string
  licence?: Licence
  notes: string[]
  status?: Status
}

export interface FoundComponent {
  kind: ComponentKind
  name: string
  line: number
  column: number
  base: boolean
}

export interface PipelineMistake {
  line: number
  column: number
  message: string
}

export interface SelectAnswer {
  components: FoundComponent[]
  mistakes: PipelineMistake[]
  problems?: Problem[]
  request?: RequestBody
  resolution?: ResolveAnswer
}

export type LogEvent =
  | { event: 'claimed'; builder: string; attempt: number }
  | { event: 'phase'; phase: Phase; progress?: Progress }
  | { event: 'lines'; lines: string[] }
  | { event: 'gap'; dropped: number }
  | { event: 'end'; status: Status }

export type LoggedEntry = {
  sequence: number
  claim: string
  /** Number within the claim, from 1. */
  n: number
  /** Milliseconds since the claim. */
  at: number
} & LogEvent

export interface Component {
  kind: ComponentKind
  name: string
}

export interface PackageHit {
  module: string
  version: string
  path: string
  description: string
  licence: Licence
  rclFiles: number
  /** What a binary grows by with it, beside the base alone; on linux/amd64. */
  addedBytes?: number
  cgo: boolean
  /** By `goos/goarch`; a platform that isn't named wasn't tried. */
  platforms: Record<string, PlatformSupport>
  components: Component[]
}

export interface ReleaseSummary {
  module: string
  version: string
  title: string
  goVersions: string[]
  requires: Record<string, string>
  newest: boolean
}

export interface CatalogAnswer {
  revision: number
  releases: ReleaseSummary[]
  packages: PackageHit[]
  total: number
}

export interface ComponentProvider {
  component: Component
  package: string
  module: string
  version: string
  licence: Licence
}

export interface ConfigField {
  name?: string
  type: string
  shape?: 'array' | '2darray' | 'map'
  optional?: boolean
  advanced?: boolean
  deprecated?: boolean
  secret?: boolean
  bloblang?: boolean
  interpolated?: boolean
  default?: unknown
  options?: string[]
  description?: string
  children?: ConfigField[]
}

export interface Documentation {
  kind: ComponentKind
  name: string
  status?: 'beta' | 'experimental' | 'deprecated'
  support?: string
  since?: string
  categories?: string[]
  summary?: string
  description?: string
  config?: ConfigField
  parameters?: { name: string; type?: string; optional?: boolean; description?: string }[]
  examples?: { title?: string; summary?: string; config?: string }[]
}

export interface ComponentAnswer {
  providers: ComponentProvider[]
  documentation?: Documentation[]
}

export interface ActiveClaim {
  id: string
  claim: string
}

export interface Presence {
  builder: string
  host: string
  version: string
  workers: number
  active: ActiveClaim[]
  go: string | null
  draining: boolean
  leaseMs: number
}

export interface BuildersAnswer {
  builders: Presence[]
}

export interface OfferedPlatform {
  goos: Goos
  goarch: Goarch
  /** The first is the default. */
  variants: string[]
}

export interface PlatformsAnswer {
  platforms: OfferedPlatform[]
}

export interface VersionAnswer {
  version: string
  cancelNeedsToken: boolean
}

export interface Recipe {
  files: Record<string, string>
  environment: Record<string, string>
  command: string
  sha256: string
}

export interface Problem {
  code: string
  field?: string
  message: string
}

/** RFC 9457, `application/problem+json`. */
export interface ProblemDocument {
  type: string
  title: string
  status: number
  code: string
  detail: string
  requestId?: string
  problems: Problem[]
}
