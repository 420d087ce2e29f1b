//! A limit of a build, and which builds it holds for.

/// A limit, which may be lower for builds with modules from outside the catalog.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limit<T> {
    most: T,
    option: Option<&'static str>,
}

impl<T: Copy> Limit<T> {
    /// A limit of all builds.
    pub const fn of_all(most: T) -> Self {
        Self { most, option: None }
    }

    /// A limit of builds with a module from outside the catalog; `option` is that of the builder which sets it.
    pub const fn of_uncatalogued(most: T, option: &'static str) -> Self {
        Self {
            most,
            option: Some(option),
        }
    }

    /// The most that is allowed.
    pub const fn most(self) -> T {
        self.most
    }

    /// Whether it is one of builds with a module from outside the catalog.
    pub(super) const fn is_of_uncatalogued(self) -> bool {
        self.option.is_some()
    }

    /// Which builds it holds for, and what sets it, to follow its value; empty for a limit of all builds.
    pub(super) fn whose(self) -> String {
        self.option.map_or_else(String::new, |option| {
            format!(
                " of builds with modules from outside the catalog (the builder's option `{option}`)"
            )
        })
    }
}

/// Whether a build is limited as one of the catalog.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Origin {
    /// All of its modules are the catalog's, or this builder has seen no release of the catalog yet.
    Catalog,
    /// At least one of its modules isn't the catalog's.
    Elsewhere,
}
