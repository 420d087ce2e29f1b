import 'vuetify/styles/core'
import { createVuetify } from 'vuetify'
import { aliases, mdi } from 'vuetify/iconsets/mdi-svg'

const shared = { 'border-opacity': 0.14, 'medium-emphasis-opacity': 0.74 }

export const vuetify = createVuetify({
  icons: { defaultSet: 'mdi', aliases, sets: { mdi } },
  defaults: {
    global: { ripple: false },
    VCard: { flat: true, border: true },
    VBtn: { variant: 'text', density: 'comfortable' },
    VTextField: { bgColor: 'surface', variant: 'outlined', density: 'comfortable', hideDetails: 'auto' },
    VTextarea: { bgColor: 'surface', variant: 'outlined', density: 'comfortable' },
  },
  theme: {
    defaultTheme: 'system',
    themes: {
      light: {
        dark: false,
        colors: {
          background: '#FAF7F2',
          surface: '#FFFFFF',
          'surface-light': '#F3EEE6',
          'surface-variant': '#4A423B',
          'on-surface-variant': '#F7F1EA',
          'on-background': '#1F1A16',
          'on-surface': '#1F1A16',
          primary: '#8A4B1F',
          'on-primary': '#FFFFFF',
          secondary: '#2F6F63',
          'on-secondary': '#FFFFFF',
          success: '#2E7D32',
          warning: '#8A5A00',
          error: '#B3261E',
          info: '#1F6FB2',
        },
        variables: shared,
      },
      dark: {
        dark: true,
        colors: {
          background: '#171412',
          surface: '#211D1A',
          'surface-light': '#2C2723',
          'surface-variant': '#D8CFC6',
          'on-surface-variant': '#211D1A',
          'on-background': '#EDE6DF',
          'on-surface': '#EDE6DF',
          primary: '#E0A36B',
          'on-primary': '#2A1707',
          secondary: '#7CC4B4',
          'on-secondary': '#07241E',
          success: '#81C784',
          warning: '#F2B84B',
          error: '#F2B8B5',
          info: '#8FC7F2',
        },
        variables: shared,
      },
    },
  },
})
