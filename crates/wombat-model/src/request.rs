//! A build request as people write it, and its parser, which names every problem at once.

use std::{collections::BTreeMap, str::FromStr};

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::{
    GoVersion, ImportPath, ModulePath, ModuleVersion, Platform, Problem, ProblemCode, Refusal,
    Target, catalog::ComponentReference, names::MAX_PACKAGES,
};

/// The body of `build.request`, `build.resolve`, `POST /api/builds` and `POST /api/resolve`. `null` counts as left out.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct RequestBody {
    /// Operating system: `linux`, `darwin`, `windows` or `freebsd`.
    #[schemars(with = "crate::Goos")]
    pub goos: String,
    /// Architecture, such as `amd64` or `arm64`.
    #[schemars(with = "crate::Goarch")]
    pub goarch: String,
    /// Go release in full, such as `1.26.8`; the newest on offer if left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub go_version: Option<String>,
    /// Import paths, each with or without `@version`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(with = "Option<Vec<String>>")]
    pub packages: Vec<String>,
    /// Components by name, such as `kafka` or `input/kafka`; the packages that bring them are found.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(with = "Option<Vec<String>>")]
    pub components: Vec<String>,
    /// Versions of modules; the catalog's newest where one isn't named.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    #[schemars(with = "Option<BTreeMap<String, String>>")]
    pub modules: BTreeMap<String, String>,
    /// Level of the architecture, such as `v7` for arm or `v3` for amd64; Go's default if left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub variant: Option<String>,
    /// What is added so that any pipeline runs: `standard` (Benthos pure and io) or `pure`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(extend("enum" = ["standard", "pure", null]))]
    pub base: Option<String>,
    /// Build again although there is a result.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    #[schemars(with = "Option<bool>")]
    pub force: bool,
}

/// What is added to every selection.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Base {
    /// Benthos `pure` and `io`.
    #[default]
    Standard,
    /// Benthos `pure` alone: without it a binary can't run any config.
    Pure,
}

/// A package asked for by its path.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct PackageReference {
    /// The package.
    pub path: ImportPath,
    /// The version of its module, if one was named with it.
    pub version: Option<ModuleVersion>,
}

impl FromStr for PackageReference {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let (path, version) = match text.split_once('@') {
            Some((path, version)) => (path, Some(version)),
            None => (text, None),
        };
        Ok(Self {
            path: path
                .parse()
                .map_err(|error: crate::ParsePathError| error.to_string())?,
            version: version
                .map(|version| {
                    version
                        .parse()
                        .map_err(|error: crate::ParseModuleVersionError| error.to_string())
                })
                .transpose()?,
        })
    }
}

/// A request whose every value is well formed by itself; whether they fit together the catalog says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BuildRequest {
    /// What the binary runs on.
    pub target: Target,
    /// The Go release, if one was asked for.
    pub go: Option<GoVersion>,
    /// Packages by path.
    pub packages: Vec<PackageReference>,
    /// Packages by what they bring.
    pub components: Vec<ComponentReference>,
    /// Versions of modules.
    pub modules: BTreeMap<ModulePath, ModuleVersion>,
    /// What is added.
    pub base: Base,
    /// Whether to build again.
    pub force: bool,
}

impl BuildRequest {
    /// Reads a body; the refusal holds every problem of it.
    pub fn from_json(body: &[u8]) -> Result<Self, Refusal> {
        let value: Value = serde_json::from_slice(body).map_err(|error| {
            Refusal::of_request(vec![Problem::general(
                ProblemCode::Malformed,
                format!("The body isn't JSON: {error}."),
            )])
        })?;
        let Value::Object(fields) = value else {
            return Err(Refusal::of_request(vec![Problem::general(
                ProblemCode::Malformed,
                "The body must be a JSON object.",
            )]));
        };
        Reader {
            fields,
            problems: Vec::new(),
        }
        .read()
    }
}

/// Takes field after field out of the object and collects what is wrong with them.
struct Reader {
    fields: Map<String, Value>,
    problems: Vec<Problem>,
}

impl Reader {
    fn read(mut self) -> Result<BuildRequest, Refusal> {
        let target = self.target();
        let go = self.optional("goVersion");
        let packages = self.list("packages");
        let components = self.list("components");
        let modules = self.modules();
        let base = self.base();
        let force = self.flag("force");

        for field in self.fields.keys() {
            let message = format!(
                "There is no field `{}`; the fields are goos, goarch, goVersion, packages, components, modules, variant, base and force.",
                field.escape_debug()
            );
            self.problems.push(Problem::field(
                ProblemCode::UnknownField,
                field.clone(),
                message,
            ));
        }
        if packages.is_empty() && components.is_empty() && self.problems.is_empty() {
            self.problems.push(Problem::field(
                ProblemCode::MissingField,
                "packages",
                "Name at least one package or component.",
            ));
        }
        match target {
            Some(target) if self.problems.is_empty() => Ok(BuildRequest {
                target,
                go,
                packages,
                components,
                modules,
                base,
                force,
            }),
            Some(_) | None => Err(Refusal::of_request(self.problems)),
        }
    }

    fn target(&mut self) -> Option<Target> {
        let goos = self.required("goos");
        let goarch = self.required("goarch");
        let variant = self.optional("variant");
        let platform = Platform::new(goos?, goarch?)
            .map_err(|error| self.refuse(ProblemCode::UnsupportedPlatform, "goarch", &error))
            .ok()?;
        Target::new(platform, variant)
            .map_err(|error| self.refuse(ProblemCode::UnsupportedPlatform, "variant", &error))
            .ok()
    }

    fn required<T: FromStr<Err: ToString>>(&mut self, field: &str) -> Option<T> {
        if !self.fields.contains_key(field) {
            self.problems.push(Problem::field(
                ProblemCode::MissingField,
                field,
                format!("`{field}` is missing."),
            ));
        }
        self.optional(field)
    }

    fn optional<T: FromStr<Err: ToString>>(&mut self, field: &str) -> Option<T> {
        match self.fields.remove(field)? {
            Value::Null => None,
            Value::String(text) => text
                .parse()
                .map_err(|error| self.refuse(ProblemCode::InvalidValue, field, &error))
                .ok(),
            _ => {
                self.wrong_type(field, "a string");
                None
            }
        }
    }

    fn list<T: FromStr<Err: ToString>>(&mut self, field: &str) -> Vec<T> {
        let items = match self.fields.remove(field) {
            None | Some(Value::Null) => return Vec::new(),
            Some(Value::Array(items)) => items,
            Some(_) => {
                self.wrong_type(field, "a list of strings");
                return Vec::new();
            }
        };
        if items.len() > MAX_PACKAGES {
            let message = format!(
                "{} {field} are too many; at most {MAX_PACKAGES} go into one binary.",
                items.len()
            );
            self.problems
                .push(Problem::field(ProblemCode::TooMany, field, message));
            return Vec::new();
        }
        let mut values = Vec::with_capacity(items.len());
        for (index, item) in items.into_iter().enumerate() {
            let field = format!("{field}[{index}]");
            match item {
                Value::String(text) => match text.parse() {
                    Ok(value) => values.push(value),
                    Err(error) => self.refuse::<T::Err>(ProblemCode::InvalidValue, &field, &error),
                },
                _ => self.wrong_type(&field, "a string"),
            }
        }
        values
    }

    fn modules(&mut self) -> BTreeMap<ModulePath, ModuleVersion> {
        let entries = match self.fields.remove("modules") {
            None | Some(Value::Null) => return BTreeMap::new(),
            Some(Value::Object(entries)) => entries,
            Some(_) => {
                self.wrong_type("modules", "an object of module paths and versions");
                return BTreeMap::new();
            }
        };
        if entries.len() > MAX_PACKAGES {
            let message = format!(
                "{} modules are too many; at most {MAX_PACKAGES} go into one binary.",
                entries.len()
            );
            self.problems
                .push(Problem::field(ProblemCode::TooMany, "modules", message));
            return BTreeMap::new();
        }
        let mut modules = BTreeMap::new();
        for (path, version) in entries {
            let field = format!("modules.{path}");
            let Value::String(version) = version else {
                self.wrong_type(&field, "a string");
                continue;
            };
            match (path.parse::<ModulePath>(), version.parse::<ModuleVersion>()) {
                (Ok(path), Ok(version)) => match version.check_for(&path) {
                    Ok(()) => drop(modules.insert(path, version)),
                    Err(error) => self.refuse(ProblemCode::InvalidValue, &field, &error),
                },
                (Err(error), _) => self.refuse(ProblemCode::InvalidValue, &field, &error),
                (_, Err(error)) => self.refuse(ProblemCode::InvalidValue, &field, &error),
            }
        }
        modules
    }

    fn base(&mut self) -> Base {
        match self.optional::<String>("base").as_deref() {
            None | Some("standard") => Base::Standard,
            Some("pure") => Base::Pure,
            Some(_) => {
                self.refuse(
                    ProblemCode::InvalidValue,
                    "base",
                    "base is `standard` (Benthos pure and io) or `pure`",
                );
                Base::Standard
            }
        }
    }

    fn flag(&mut self, field: &str) -> bool {
        match self.fields.remove(field) {
            None | Some(Value::Null) => false,
            Some(Value::Bool(value)) => value,
            Some(_) => {
                self.wrong_type(field, "true or false");
                false
            }
        }
    }

    fn refuse<E: ToString + ?Sized>(&mut self, code: ProblemCode, field: &str, error: &E) {
        self.problems.push(Problem::field(
            code,
            field,
            format!("{}.", error.to_string()),
        ));
    }

    fn wrong_type(&mut self, field: &str, wanted: &str) {
        self.problems.push(Problem::field(
            ProblemCode::WrongType,
            field,
            format!("`{field}` must be {wanted}."),
        ));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::RefusalStatus;

    fn refusal(body: &str) -> Refusal {
        BuildRequest::from_json(body.as_bytes()).unwrap_err()
    }

    #[test]
    fn reads_the_originals_request() {
        let body = r#"{"goos":"linux","goarch":"amd64","goVersion":"1.26.8","packages":["a.b/c","a.b/d@v1.2.3"],"force":true}"#;
        let request = BuildRequest::from_json(body.as_bytes()).unwrap();
        assert_eq!(request.packages[1].version, Some("v1.2.3".parse().unwrap()));
        assert!(request.force);
        assert_eq!(request.base, Base::Standard);
    }

    #[test]
    fn names_every_problem_at_once() {
        let refusal = refusal(
            r#"{"goos":"plan10","packages":["a.b/c","a.b/\"x", 7],"colour":"red","modules":{"a.b/c":"latest"}}"#,
        );
        assert_eq!(refusal.status, RefusalStatus::BadRequest);
        let found: Vec<(&str, ProblemCode)> = refusal
            .problems
            .iter()
            .map(|problem| (problem.field.as_deref().unwrap(), problem.code))
            .collect();
        assert_eq!(
            found,
            [
                ("goos", ProblemCode::InvalidValue),
                ("goarch", ProblemCode::MissingField),
                ("packages[1]", ProblemCode::InvalidValue),
                ("packages[2]", ProblemCode::WrongType),
                ("modules.a.b/c", ProblemCode::InvalidValue),
                ("colour", ProblemCode::UnknownField),
            ]
        );
    }

    #[test]
    fn form_is_400_and_content_is_422() {
        assert_eq!(refusal("[]").status, RefusalStatus::BadRequest);
        assert_eq!(refusal("{").status, RefusalStatus::BadRequest);
        assert_eq!(
            refusal(r#"{"goos":"linux","goarch":"amd64"}"#).status,
            RefusalStatus::BadRequest
        );
        let content = refusal(r#"{"goos":"windows","goarch":"s390x","packages":["a.b/c"]}"#);
        assert_eq!(content.status, RefusalStatus::Unprocessable);
        assert_eq!(content.problems[0].code, ProblemCode::UnsupportedPlatform);
    }

    #[test]
    fn counts_are_bounded() {
        let packages: Vec<String> = (0..65).map(|n| format!("a.b/c{n}")).collect();
        let body = serde_json::json!({"goos": "linux", "goarch": "amd64", "packages": packages})
            .to_string();
        assert_eq!(refusal(&body).problems[0].code, ProblemCode::TooMany);
    }
}
