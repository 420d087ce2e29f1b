import { createApp } from 'vue'

// First, for the order of its cascade layers.
import { vuetify } from './plugins/vuetify'
import App from './App.vue'
import { router } from './router'
import './styles/main.css'

createApp(App).use(vuetify).use(router).mount('#app')
