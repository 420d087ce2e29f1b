/** Light or dark: the system's preference until the user chooses. */
import { computed } from 'vue'
import { useTheme } from 'vuetify'

const KEY = 'wombat-theme'

/** Storage may be switched off; then the choice lasts as long as the page. */
function stored(): string | null {
  try {
    return localStorage.getItem(KEY)
  } catch {
    return null
  }
}

function store(value: string): void {
  try {
    localStorage.setItem(KEY, value)
  } catch {
    // The choice lasts as long as the page.
  }
}

export function useColourMode() {
  const theme = useTheme()
  const isDark = computed(() => theme.global.current.value.dark)
  const restore = (): void => {
    const value = stored()
    if (value === 'light' || value === 'dark') theme.change(value)
  }
  const toggle = (): void => {
    const next = isDark.value ? 'light' : 'dark'
    theme.change(next)
    store(next)
  }
  return { isDark, restore, toggle }
}
