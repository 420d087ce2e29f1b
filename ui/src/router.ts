import { createRouter, createWebHistory, type RouteRecordRaw } from 'vue-router'

import BuildPage from './pages/BuildPage.vue'

declare module 'vue-router' {
  interface RouteMeta {
    title?: string
  }
}

const routes: RouteRecordRaw[] = [
  { path: '/', name: 'build', component: BuildPage },
  { path: '/b/:id', name: 'one', component: () => import('./pages/OneBuildPage.vue'), meta: { title: 'Build' } },
  { path: '/builds', name: 'builds', component: () => import('./pages/BuildsPage.vue'), meta: { title: 'Builds' } },
  { path: '/components', name: 'components', component: () => import('./pages/ComponentsPage.vue'), meta: { title: 'Components' } },
  {
    path: '/components/:kind/:name',
    name: 'component',
    component: () => import('./pages/ComponentPage.vue'),
    meta: { title: 'Component' },
  },
  { path: '/fleet', name: 'fleet', component: () => import('./pages/FleetPage.vue'), meta: { title: 'Fleet' } },
  { path: '/docs', name: 'docs', component: () => import('./pages/DocsPage.vue'), meta: { title: 'How to use it' } },
  { path: '/docs/api', name: 'api', component: () => import('./pages/ApiPage.vue'), meta: { title: 'API' } },
  { path: '/about', name: 'about', component: () => import('./pages/AboutPage.vue'), meta: { title: 'About' } },
  { path: '/:path(.*)*', name: 'missing', component: () => import('./pages/MissingPage.vue'), meta: { title: 'Not found' } },
]

export const router = createRouter({
  history: createWebHistory(),
  routes,
  scrollBehavior(to, from, saved) {
    if (saved) return saved
    // Typing changes the query, which mustn't scroll the page.
    if (to.hash && (to.path !== from.path || to.hash !== from.hash)) return { el: to.hash, top: 72 }
    return to.path === from.path ? false : { top: 0 }
  },
})

/** Key of the address that was last reloaded because its chunk couldn't be fetched: it isn't reloaded twice in a row. */
const RELOADED = 'wombat-reloaded'

router.onError((_, to) => {
  // An update of the server renames chunks; only the reloaded page knows the new names.
  if (sessionStorage.getItem(RELOADED) === to.fullPath) return
  sessionStorage.setItem(RELOADED, to.fullPath)
  window.location.assign(to.fullPath)
})

router.afterEach((to, from) => {
  if (sessionStorage.getItem(RELOADED) === to.fullPath) sessionStorage.removeItem(RELOADED)
  document.title = to.meta.title ? `${to.meta.title} · Wombat Builder` : 'Wombat Builder'
  // A new page takes the focus, so that screen readers start at its beginning.
  if (from.name && to.path !== from.path) requestAnimationFrame(() => document.getElementById('main')?.focus({ preventScroll: true }))
})
