//! The module versions that running builds read, and that must not be removed.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use parking_lot::Mutex;

use super::module_cache::CachedModule;

/// The number of builds that read each module version.
#[derive(Clone, Debug, Default)]
pub(super) struct ModulesInUse(Arc<Mutex<BTreeMap<CachedModule, usize>>>);

/// Module versions that aren't removed until this is dropped.
#[derive(Debug, Default)]
#[must_use = "the modules may be removed once this is dropped"]
pub(super) struct HeldModules {
    registry: ModulesInUse,
    modules: BTreeSet<CachedModule>,
}

impl ModulesInUse {
    /// Holds modules. Waits for a running removal, so that each of these is complete afterwards, or missing.
    pub(super) fn hold(&self, modules: BTreeSet<CachedModule>) -> HeldModules {
        let mut counts = self.0.lock();
        for module in &modules {
            *counts.entry(module.clone()).or_default() += 1;
        }
        drop(counts);
        HeldModules {
            registry: self.clone(),
            modules,
        }
    }

    /// Runs `remove` unless a build reads the module. Builds that need it wait meanwhile, so it must be quick.
    pub(super) fn unless_held<T>(
        &self,
        module: &CachedModule,
        remove: impl FnOnce() -> T,
    ) -> Option<T> {
        let counts = self.0.lock();
        (!counts.contains_key(module)).then(remove)
    }
}

impl HeldModules {
    pub(super) fn iter(&self) -> impl Iterator<Item = &CachedModule> {
        self.modules.iter()
    }
}

impl Drop for HeldModules {
    fn drop(&mut self) {
        let mut counts = self.registry.0.lock();
        for module in &self.modules {
            let left = counts.get_mut(module).map(|count| {
                *count -= 1;
                *count
            });
            if left == Some(0) {
                counts.remove(module);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_module_is_held_until_the_last_build_that_reads_it_ends() {
        let registry = ModulesInUse::default();
        let [one, other] = ["v1.0.0", "v1.0.1"].map(|it| CachedModule::new("a.example/m", it));
        let first = registry.hold([one.clone(), other.clone()].into());
        let second = registry.hold([one.clone()].into());
        let removed = |module: &CachedModule| registry.unless_held(module, || ()).is_some();
        assert!(!removed(&one) && !removed(&other));
        drop(first);
        assert!(!removed(&one) && removed(&other));
        drop(second);
        assert!(removed(&one));
        assert!(registry.0.lock().is_empty());
    }
}
