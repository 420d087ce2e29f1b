//! Reads the fields of a build request, and reports every problem at once.

use std::{collections::BTreeMap, str::FromStr};

use serde_json::{Map, Value};

use super::{Base, BuildRequest};
use crate::{
    Distribution, ModulePath, ModuleVersion, Platform, Problem, ProblemCode, Refusal, Target,
    Template, names::MAX_PACKAGES,
};

impl BuildRequest {
    /// Parses a body; the refusal holds all of its problems.
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
        RequestParser::new(fields).read()
    }
}

/// Takes the fields out of the object one by one and collects their problems.
struct RequestParser {
    fields: Map<String, Value>,
    problems: Vec<Problem>,
}

impl RequestParser {
    fn new(fields: Map<String, Value>) -> Self {
        Self {
            fields,
            problems: Vec::new(),
        }
    }

    fn read(mut self) -> Result<BuildRequest, Refusal> {
        let target = self.target();
        let go = self.optional("goVersion");
        let packages = self.list("packages");
        let components = self.list("components");
        let modules = self.modules();
        let base = self.base();
        let template = self.template();
        let distribution = self.distribution(template);
        let force = self.flag("force");

        for field in self.fields.keys() {
            let message = format!(
                "There is no field `{}`; the fields are goos, goarch, goVersion, packages, components, modules, variant, base, name, version, template and force.",
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
                distribution,
                template,
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
            self.problems.push(Problem::missing(field));
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
                    "base must be `standard` (Benthos pure and io) or `pure`",
                );
                Base::Standard
            }
        }
    }

    fn template(&mut self) -> Template {
        let number = match self.fields.remove("template") {
            None | Some(Value::Null) => return Template::NEWEST,
            Some(value) => value.as_u64(),
        };
        let Some(number) = number else {
            self.wrong_type("template", "a whole number");
            return Template::NEWEST;
        };
        Template::known(number).unwrap_or_else(|error| {
            self.refuse(ProblemCode::InvalidValue, "template", &error);
            Template::NEWEST
        })
    }

    fn distribution(&mut self, template: Template) -> Distribution {
        let distribution = Distribution {
            name: self.optional("name"),
            version: self.optional("version"),
        };
        let own = [
            ("name", distribution.name.is_some()),
            ("version", distribution.version.is_some()),
        ];
        for (field, _) in own.into_iter().filter(|(_, is_own)| *is_own) {
            if template < Template::SECOND {
                let error =
                    format!("template {template} takes no `{field}`; leave one of them out");
                self.refuse(ProblemCode::InvalidValue, field, &error);
            }
        }
        distribution
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
