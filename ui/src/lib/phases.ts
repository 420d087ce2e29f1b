/** The phases of a build, from its record and its log events. */
import type { BuildView, LoggedEntry, Phase, Progress } from '@/api/types'

export const phases: Phase[] = ['queued', 'resolve', 'download', 'compile', 'link', 'upload']

export type StepState = 'done' | 'current' | 'waiting' | 'failed'

export interface Step {
  phase: Phase
  state: StepState
  /** Its duration, if known. */
  milliseconds: number | undefined
  progress: Progress | undefined
}

export interface Heard {
  phase: Phase | undefined
  /** Milliseconds from the claim to the first event of each phase. */
  began: Partial<Record<Phase, number>>
  progress: Partial<Record<Phase, Progress>>
}

/** The phases of the last claim, from its log entries. */
export function hear(entries: LoggedEntry[]): Heard {
  const heard: Heard = { phase: undefined, began: {}, progress: {} }
  for (const entry of entries) {
    if (entry.event === 'claimed') Object.assign(heard, { phase: undefined, began: {}, progress: {} })
    if (entry.event !== 'phase') continue
    heard.phase = entry.phase
    heard.began[entry.phase] ??= entry.at
    if (entry.progress) heard.progress[entry.phase] = entry.progress
  }
  return heard
}

/** Every phase with its state. A skipped phase counts as done once a later one began. */
export function steps(build: BuildView, heard: Heard): Step[] {
  const later = (a: Phase | undefined, b: Phase | undefined): Phase | undefined =>
    phases.indexOf(a as Phase) >= phases.indexOf(b as Phase) ? a : b
  const current = build.status === 'new' ? 'queued' : (later(heard.phase, build.phase) ?? 'resolve')
  const at = phases.indexOf(current)
  return phases.map((phase, index) => ({
    phase,
    state: stateOf(build, index, at),
    milliseconds: build.timings?.[phase] ?? tookOf(phase, heard, build),
    progress: heard.progress[phase] ?? (phase === build.phase ? build.progress : undefined),
  }))
}

function stateOf(build: BuildView, index: number, at: number): StepState {
  switch (build.status) {
    case 'success':
      return 'done'
    case 'new':
    case 'building':
      return index < at ? 'done' : index === at ? 'current' : 'waiting'
    case 'failed':
    case 'cancelled':
      return index < at ? 'done' : index === at ? 'failed' : 'waiting'
  }
}

function tookOf(phase: Phase, heard: Heard, build: BuildView): number | undefined {
  if (phase === 'queued') {
    return build.claimed ? Math.max(0, Date.parse(build.claimed) - Date.parse(build.requested)) : undefined
  }
  const began = heard.began[phase]
  if (began === undefined) return undefined
  const next = phases.slice(phases.indexOf(phase) + 1).find((later) => heard.began[later] !== undefined)
  return next ? (heard.began[next] ?? began) - began : undefined
}

/** `312 of 420 packages, 250 from the cache`. */
export function progressWords({ done, total, cached }: Progress): string {
  const packages = `${done} of ${total} packages`
  return cached > 0 ? `${packages}, ${cached} from the cache` : packages
}
