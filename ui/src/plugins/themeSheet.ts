// The colours of the theme as a constructed style sheet, which needs no `unsafe-inline` in the content security policy, unlike
// the <style> element that Vuetify writes by default. Vuetify passes its text to @unhead/vue if an app has that; this stands in.

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
