import { fileURLToPath } from 'node:url'

import vue from '@vitejs/plugin-vue'
import vuetify, { transformAssetUrls } from 'vite-plugin-vuetify'
import { defineConfig } from 'vitest/config'

/** Where `wombat up` listens; the dev server passes calls on to it. */
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
  // Found as the pages ask for it; bundled beforehand, the dev server would reload at each new component.
  optimizeDeps: { exclude: ['vuetify'] },
  server: {
    proxy: {
      '/api': { target: server, changeOrigin: true },
      '/artifacts': { target: server, changeOrigin: true },
    },
  },
  test: { include: ['src/**/*.test.ts'] },
})
