import { ref } from 'vue'

/** The unsent text of the tab “Any Go package”; it survives a change of tabs. */
export const packageDraft = ref('')
