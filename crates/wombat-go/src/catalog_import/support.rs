//! Support levels of components: Redpanda's own module has a table of them in its source; the binaries don't contain
//! it.

use std::collections::BTreeMap;

use wombat_model::{
    ModulePath, ModuleVersion,
    catalog::{Component, Documentation, SupportLevel},
};

use crate::{
    Workshop,
    size_limit::{FileError, TABLE},
};

/// Path of the table in the module's folder.
const PATH: &str = "internal/plugins/info.csv";

/// Levels by component.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct SupportTable(BTreeMap<Component, SupportLevel>);

impl SupportTable {
    /// The module's table, if it has one. Its source must have been fetched.
    pub(super) async fn of(
        workshop: &Workshop,
        (module, version): (&ModulePath, &ModuleVersion),
    ) -> Self {
        let path = workshop.source_folder(module, version).join(PATH);
        match TABLE.read_text_of(&path).await {
            Ok(text) => Self::parse(&text),
            Err(FileError::Io(_)) => Self::default(),
            Err(FileError::TooLarge(error)) => {
                tracing::warn!(%module, %version, %error, "the module's support levels aren't read");
                Self::default()
            }
        }
    }

    /// As a plan keeps it.
    pub(super) fn into_levels(self) -> BTreeMap<String, SupportLevel> {
        let levels = self.0.into_iter();
        levels
            .map(|(component, level)| (component.to_string(), level))
            .collect()
    }

    /// The table of a plan.
    pub(super) fn from_levels(levels: &BTreeMap<String, SupportLevel>) -> Self {
        let levels = levels.iter().filter_map(|(text, level)| {
            let (kind, name) = text.split_once('/')?;
            let component = Component {
                kind: kind.parse().ok()?,
                name: name.to_owned(),
            };
            Some((component, *level))
        });
        Self(levels.collect())
    }

    /// Finds columns by their names; skips rows that can't be parsed.
    fn parse(text: &str) -> Self {
        let mut lines = text.lines().map(|line| line.split(',').map(str::trim));
        let heads: Vec<&str> = lines.next().into_iter().flatten().collect();
        let column = |name: &str| heads.iter().position(|head| *head == name);
        let (Some(name), Some(kind), Some(support)) =
            (column("name"), column("type"), column("support"))
        else {
            return Self::default();
        };
        let rows = lines.filter_map(|cells| {
            let cells: Vec<&str> = cells.collect();
            let component = Component {
                kind: cells.get(kind)?.parse().ok()?,
                name: (*cells.get(name)?).to_owned(),
            };
            Some((component, cells.get(support)?.parse().ok()?))
        });
        Self(rows.collect())
    }

    /// The levels of these components, each once.
    pub(super) fn levels<'a>(
        &self,
        components: impl IntoIterator<Item = &'a Component>,
    ) -> Vec<SupportLevel> {
        let components = components.into_iter();
        let mut levels: Vec<_> = components
            .filter_map(|it| self.0.get(it).copied())
            .collect();
        levels.sort_unstable();
        levels.dedup();
        levels
    }

    /// Whether it is an enterprise feature.
    pub(super) fn is_enterprise(&self, component: &Component) -> bool {
        self.0.get(component) == Some(&SupportLevel::Enterprise)
    }

    /// Sets the level if the component doesn't state one itself.
    pub(super) fn complete(&self, documentation: &mut Documentation) {
        if documentation.support.is_empty()
            && let Some(level) = self.0.get(&documentation.component())
        {
            documentation.support = level.to_string();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn levels_are_read_by_the_names_of_columns() {
        let table = SupportTable::parse(
            "name   ,type ,commercial_name,support   ,deprecated\n\
             a      ,input,A              ,certified ,n\n\
             a      ,cache,A              ,enterprise,n\n\
             odd    ,input,A              ,someone   ,n\n\
             driver ,sql_driver,A         ,certified ,n\n",
        );
        let all = [
            ("input", "a"),
            ("cache", "a"),
            ("input", "odd"),
            ("input", "b"),
        ];
        let all = all.map(|(kind, name)| Component {
            kind: kind.parse().unwrap(),
            name: name.to_owned(),
        });
        let levels = table.levels(&all);
        assert_eq!(levels, [SupportLevel::Certified, SupportLevel::Enterprise]);
        assert_eq!(SupportTable::parse("x,y\n1,2\n"), SupportTable::default());
        let kept = SupportTable(table.0.clone()).into_levels();
        assert_eq!(SupportTable::from_levels(&kept), table);
    }
}
