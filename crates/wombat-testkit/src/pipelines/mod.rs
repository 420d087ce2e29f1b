//! Pipelines and mappings made from a seed and the catalog's schemas, to compare `select` with the `lint` of a real
//! binary. Some are valid, and some have exactly one mistake. Each depends only on the seed, its number and the catalog.
//!
//! *random*: numbers · *catalog*: schemas · *oracle*: the packages of the real binary · *tree*: a pipeline before it is
//! text · *maker*, *values*: fields and components ·
//! *components*: their names and kinds · *rules*: what only the components' own code knows · *assembly*: whole
//! pipelines · *mistakes*: one mistake in a tree · *damage*: one mistake in a text · *repeats*: anchors, aliases and merges ·
//! *render*, *scalars*: YAML · *style*: its kinds · *mappings* and what begins alike: Bloblang · *verdicts*: what the
//! binary says.

mod assembly;
mod catalog;
mod components;
mod damage;
mod input;
mod maker;
mod mapping_arguments;
mod mapping_mistakes;
mod mappings;
mod mistakes;
mod oracle;
mod random;
mod render;
mod repeats;
mod rules;
mod scalars;
mod style;
mod tree;
mod values;
mod verdicts;

pub use catalog::Catalog;
pub use input::Input;
pub use oracle::{BENTHOS, CONNECT, PACKAGES};
pub use random::Random;
pub use style::Style;
pub use verdicts::{Header, Verdict, Verdicts};

/// How many pipelines there are.
pub const PIPELINES: usize = 5000;
/// How many mappings follow them.
pub const MAPPINGS: usize = 1000;
/// The seed of the inputs with verdicts.
pub const SEED: u64 = 20_261_130;

/// Makes inputs.
#[derive(Debug)]
pub struct Generator {
    catalog: Catalog,
    seed: u64,
}

impl Generator {
    /// For these schemas.
    pub fn new(catalog: Catalog, seed: u64) -> Self {
        Self { catalog, seed }
    }

    /// Its schemas.
    pub fn catalog(&self) -> &Catalog {
        &self.catalog
    }

    /// The input of this number: pipelines first, then mappings.
    pub fn input(&self, number: usize) -> Input {
        let random = Random::new(self.seed, number);
        if number < PIPELINES {
            assembly::pipeline(&self.catalog, random, number)
        } else {
            assembly::mapping(&self.catalog, random, number - PIPELINES)
        }
    }

    /// All inputs in order.
    pub fn inputs(&self) -> impl Iterator<Item = Input> + '_ {
        (0..PIPELINES + MAPPINGS).map(|number| self.input(number))
    }
}
