import { createApp } from 'vue'

import App from './App.vue'
import { themeSheet } from './plugins/themeSheet'
import { vuetify } from './plugins/vuetify'
import { router } from './router'
import './styles/main.css'

createApp(App).use(themeSheet).use(vuetify).use(router).mount('#app')
