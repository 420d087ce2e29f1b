//! Arguments of functions and methods, as far as the catalog knows their parameters.

use std::collections::BTreeSet;

use wombat_model::catalog::{ComponentKind, Parameter};

use super::{
    super::variables::shortened,
    cursor::{Cursor, Failure, Parsed},
    queries::Query,
};

/// An argument, and where it begins.
struct Argument<'a> {
    at: usize,
    name: Option<&'a str>,
    value: Query,
}

impl<'a> Cursor<'a> {
    /// The arguments after the name of a function or method, which begins at `at`.
    pub(super) fn call(&mut self, kind: ComponentKind, name: &str, at: usize) -> Parsed<Query> {
        let arguments = self.delimited(
            |it| {
                it.term("(")?;
                it.any_space();
                Ok(())
            },
            |it| it.must(Self::argument),
            |it| it.must(Self::comma),
            |it| {
                it.any_space();
                it.must(|it| it.term(")"))
            },
        )?;
        let schemas = self.schemas;
        let Some(documentation) = schemas.component(kind, name) else {
            return Ok(Query::Open);
        };
        let mut names = BTreeSet::new();
        for argument in &arguments {
            if let Some(name) = argument.name
                && !names.insert(name)
            {
                return Err(
                    self.wrong(argument.at, format!("`{}` is given twice", shortened(name)))
                );
            }
        }
        if !names.is_empty() && names.len() < arguments.len() {
            return Err(self.wrong(at, "arguments with names don't mix with others"));
        }
        let parameters = &documentation.parameters;
        match documentation.variadic {
            Some(true) if names.is_empty() => {}
            Some(true) => {
                return Err(self.wrong(at, format!("`{name}` takes arguments without names")));
            }
            None if parameters.is_empty() => {}
            None | Some(false) if names.is_empty() => {
                self.in_order(name, at, &arguments, parameters)?;
            }
            None | Some(false) => self.by_name(name, at, &arguments, parameters)?,
        }
        Ok(Query::Open)
    }

    fn argument(&mut self) -> Parsed<Argument<'a>> {
        self.one_of(&[
            |it| {
                let at = it.at;
                let name = Some(it.small_name("an argument")?);
                it.term(":")?;
                it.any_blanks();
                let value = it.must(Self::query)?;
                Ok(Argument { at, name, value })
            },
            |it| {
                let (at, name) = (it.at, None);
                let value = it.query()?;
                Ok(Argument { at, name, value })
            },
        ])
    }

    fn in_order(
        &self,
        name: &str,
        at: usize,
        arguments: &[Argument<'_>],
        parameters: &[Parameter],
    ) -> Parsed<()> {
        if let Some(first) = arguments.get(parameters.len()) {
            let most = parameters.len();
            let problem = format!("`{name}` takes at most {most} argument{}", plural(most));
            return Err(self.wrong(first.at, problem));
        }
        for (argument, parameter) in arguments.iter().zip(parameters) {
            self.check(argument, parameter)?;
        }
        let missing = parameters
            .iter()
            .skip(arguments.len())
            .find(|it| !it.optional);
        match missing {
            Some(missing) => Err(self.missing(name, at, missing)),
            None => Ok(()),
        }
    }

    fn by_name(
        &self,
        name: &str,
        at: usize,
        arguments: &[Argument<'_>],
        parameters: &[Parameter],
    ) -> Parsed<()> {
        for argument in arguments {
            let given = argument.name.unwrap_or_default();
            let Some(parameter) = parameters.iter().find(|it| it.name == given) else {
                let problem = format!("`{name}` has no parameter `{}`", shortened(given));
                return Err(self.wrong(argument.at, problem));
            };
            self.check(argument, parameter)?;
        }
        let is_given =
            |parameter: &Parameter| arguments.iter().any(|it| it.name == Some(&parameter.name));
        match parameters.iter().find(|it| !it.optional && !is_given(it)) {
            Some(missing) => Err(self.missing(name, at, missing)),
            None => Ok(()),
        }
    }

    fn missing(&self, name: &str, at: usize, parameter: &Parameter) -> Failure {
        self.wrong(
            at,
            format!("`{name}` needs the argument `{}`", parameter.name),
        )
    }

    /// Whether a literal fits. What else it is turns out when a message comes.
    fn check(&self, argument: &Argument<'_>, parameter: &Parameter) -> Parsed<()> {
        use Query::{Array, Boolean, Null, Number, Object, Text};

        let value = argument.value;
        if matches!(value, Query::Open | Query::Lambda) {
            return Ok(());
        }
        let (fits, what) = match parameter.of.as_str() {
            "integer" | "float" | "number" => (value == Number, "a number"),
            "bool" => (matches!(value, Boolean | Number), "true or false"),
            "string" => (value == Text, "a text"),
            "array" => (value == Array, "an array"),
            "object" => (value == Object, "an object"),
            "timestamp" => (!matches!(value, Boolean | Null | Array | Object), "a time"),
            _ => (true, ""),
        };
        if fits {
            return Ok(());
        }
        let problem = format!("`{}` must be {what}", parameter.name);
        Err(self.wrong(argument.at, problem))
    }
}

const fn plural(count: usize) -> &'static str {
    if count == 1 { "" } else { "s" }
}
