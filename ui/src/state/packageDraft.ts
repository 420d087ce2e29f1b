import { ref } from 'vue'

/** What is being written under “Any Go package”: it outlives a look at another tab. */
export const packageDraft = ref('')
