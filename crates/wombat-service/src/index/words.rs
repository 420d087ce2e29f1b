//! The words that find a build.

use wombat_model::{BuildHash, DistributionName, DistributionVersion, ModulePath, wire::BuildView};

use crate::catalog::Snapshot;

/// The words of a build by field: the value, and aliases that people may write instead.
pub(super) struct Words(Vec<(&'static str, String, Vec<String>)>);

impl Words {
    pub(super) fn of(view: &BuildView, catalog: &Snapshot) -> Self {
        let build = &view.build;
        let go = build.go_version.to_string();
        let minor = go.rsplit_once('.').map(|(minor, _)| minor.to_owned());
        let mut words = vec![
            ("status", build.status.to_string(), Vec::new()),
            ("goos", build.goos.to_string(), Vec::new()),
            ("goarch", build.goarch.to_string(), Vec::new()),
            (
                "go",
                go,
                minor
                    .into_iter()
                    .chain([build.go_version.key_part()])
                    .collect(),
            ),
        ];
        for (module, version) in &build.modules {
            let aliases = vec![format!("{module}@{version}"), short_name(module).to_owned()];
            words.push(("module", module.to_string(), aliases));
        }
        for package in &build.packages {
            let aliases = vec![package.url.short_name().to_owned()];
            words.push(("package", package.url.to_string(), aliases));
            if package.base {
                // Every build has these hundreds of components; a query finds them by the base packages instead.
                continue;
            }
            let mut releases = build.modules.iter();
            let listed = releases.find_map(|(module, version)| {
                catalog.release(module, version)?.offer(&package.url)
            });
            for component in listed.iter().flat_map(|package| &package.components) {
                words.push((
                    "component",
                    component.name.clone(),
                    vec![component.to_string()],
                ));
            }
        }
        let builders = [&build.builder, &build.built_by];
        for builder in builders.into_iter().flatten() {
            if !words
                .iter()
                .any(|(name, value, _)| *name == "builder" && value == builder.as_str())
            {
                words.push(("builder", builder.to_string(), Vec::new()));
            }
        }
        Self(words)
    }

    /// All words that find the build by this field.
    pub(super) fn searched(&self, field: &str) -> impl Iterator<Item = &str> {
        self.0
            .iter()
            .filter(move |(name, _, _)| *name == field)
            .flat_map(|(_, value, aliases)| [value].into_iter().chain(aliases))
            .map(String::as_str)
    }

    /// The values that are counted.
    pub(super) fn counted(&self, field: &str) -> impl Iterator<Item = &str> {
        self.0
            .iter()
            .filter(move |(name, _, _)| *name == field)
            .map(|(_, value, _)| value.as_str())
    }

    /// The text in which words without a field are searched.
    pub(super) fn text(&self, view: &BuildView) -> String {
        let build = &view.build;
        let id = with_short_hashes(view.id.as_str());
        let mut parts = vec![id.as_str(), build.variant.as_str()];
        parts.extend(build.name.as_ref().map(DistributionName::as_str));
        parts.extend(build.version.as_ref().map(DistributionVersion::as_str));
        parts.extend(build.error.as_deref());
        parts.extend(build.last_error.as_deref());
        if build.expired {
            parts.push("expired");
        }
        for (_, value, aliases) in &self.0 {
            let all = || [value].into_iter().chain(aliases);
            let within = |word: &String| all().any(|other| other != word && other.contains(word));
            parts.extend(all().filter(|word| !within(word)).map(String::as_str));
        }
        parts.join(" ")
    }
}

/// Shortens each build hash in a text: whole hashes are found by the short form, and would fill a tenth of the index.
pub(super) fn with_short_hashes(text: &str) -> String {
    let mut short = String::with_capacity(text.len());
    for part in text.split_inclusive(|character: char| !character.is_ascii_alphanumeric()) {
        let word = part.trim_end_matches(|character: char| !character.is_ascii_alphanumeric());
        match word.to_ascii_lowercase().parse::<BuildHash>() {
            Ok(hash) => {
                short.push_str(hash.short());
                short.push_str(&part[word.len()..]);
            }
            Err(_) => short.push_str(part),
        }
    }
    short
}

/// The usual name of a module: its last element that isn't a major version.
fn short_name(module: &ModulePath) -> &str {
    let path = module.as_str().strip_suffix(module.major_suffix());
    let path = path.unwrap_or(module.as_str());
    path.rsplit('/').next().unwrap_or(path)
}
