import { fileURLToPath } from 'node:url'

import vue from '@vitejs/plugin-vue'
import vuetify, { transformAssetUrls } from 'vite-plugin-vuetify'
import { defineConfig } from 'vitest/config'

/** The address of `wombat up`; the dev server forwards calls to it. */
const server = process.env.WOMBAT_URL ?? 'http://127.0.0.1:4430'

export default defineConfig({
  plugins: [vue({ template: { transformAssetUrls } }), vuetify()],
  resolve: { alias: { '@': fileURLToPath(new URL('./src', import.meta.url)) } },
  build: {
    // Data URLs and inlined module preloads would need a looser content security policy.
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    reportCompressedSize: true,
  },
  // Pre-bundled, it would make the dev server reload the page at each newly used component.
  optimizeDeps: { exclude: ['vuetify'] },
  server: {
    proxy: {
      '/api': { target: server, changeOrigin: true },
      '/artifacts': { target: server, changeOrigin: true },
    },
  },
  test: { include: ['src/**/*.test.ts'], setupFiles: ['vitest.setup.ts'] },
})
