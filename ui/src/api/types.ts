/** The JSON of the REST API. `schema.ts` is generated from the service’s OpenAPI document; these are the types that the site uses. */

import type {
  BuildView,
  CatalogAnswer as StrictCatalogAnswer,
  Documentation,
  FacetCount,
  Field,
  ListAnswer as AnyListAnswer,
  LoggedEntry,
  PackageHit as StrictPackageHit,
  Parameter,
  PlatformSupport,
  RequestBody as StrictRequestBody,
} from './schema'

export type {
  ActiveClaim,
  BuildersAnswer,
  BuildView,
  Component,
  ComponentAnswer,
  ComponentKind,
  ComponentProvider,
  Contents,
  Documentation,
  FacetCount,
  FailureClass,
  FailureJson,
  FoundComponent,
  GoReleasesAnswer,
  HealthReport,
  Import,
  ImportsAnswer,
  Licence,
  LintAnswer,
  LoggedEntry,
  OfferedPlatform,
  PackageJson,
  Phase,
  PipelineMistake,
  PipelineVariable,
  PlatformsAnswer,
  PlatformSupport,
  Presence,
  Problem,
  ProblemDocument,
  Progress,
  Queue,
  Recipe,
  ReleaseSummary,
  ResolveAnswer,
  ResolvedPackage,
  SelectAnswer,
  StatsAnswer,
  StatsPoint,
  Status,
  SupportLevel,
  VersionAnswer,
} from './schema'

export type Goos = BuildView['goos']
export type Goarch = BuildView['goarch']
export type ConfigField = Field
export type DocumentedParameter = Parameter
export type DocumentedStatus = NonNullable<Documentation['status']>
type WithoutPlace<Entry> = Entry extends unknown ? Omit<Entry, 'sequence' | 'claim' | 'n' | 'at'> : never
/** A log event without its position in the log. */
export type LogEvent = WithoutPlace<LoggedEntry>

/** A request as addresses and records hold it: platform and template are any text and number, which the service checks. */
export type RequestBody = Omit<StrictRequestBody, 'goos' | 'goarch' | 'template'> & { goos: string; goarch: string; template?: number }

/** Platforms by any text in the form `goos/goarch`; one that isn’t named wasn’t tried. */
export type PackageHit = Omit<StrictPackageHit, 'platforms'> & { platforms: Partial<Record<string, PlatformSupport>> }
export type CatalogAnswer = Omit<StrictCatalogAnswer, 'packages'> & { packages: PackageHit[] }

export type FacetField = 'status' | 'goos' | 'goarch' | 'go' | 'module' | 'package' | 'builder'
export type Facets = Partial<Record<FacetField, FacetCount[]>>
export type ListAnswer = Omit<AnyListAnswer, 'facets'> & { facets?: Facets }
