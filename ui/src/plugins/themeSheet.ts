// The colours of the theme, as a style sheet that no policy has to allow: Vuetify would write a <style> element, which is
// inline style and takes `unsafe-inline`. It hands its text to an @unhead/vue instead, where there is one; this stands in.

import type { App } from 'vue'

interface Head {
  style: { textContent: string }[]
}

export const themeSheet = {
  install(app: App): void {
    const sheet = new CSSStyleSheet()
    document.adoptedStyleSheets.push(sheet)
    const patch = (head: () => Head): void => {
      sheet.replaceSync(
        head()
          .style.map((style) => style.textContent)
          .join('\n'),
      )
    }
    app.provide('usehead', {
      push(head: () => Head) {
        patch(head)
        return { patch }
      },
    })
  },
}
