//! The query language: the words and fields of tantivy's grammar, bounded, and with days for `created`.
//!
//! Limits are checked before parsing; the parsed query is then checked, so that only the documented fields can be
//! named.

use std::collections::BTreeSet;

use tantivy::{
    Index,
    query::{AllQuery, Occur, Query, QueryParser},
    query_grammar::{
        Delimiter, UserInputAst, UserInputBound, UserInputLeaf, UserInputLiteral, parse_query,
    },
};
use wombat_model::{Problem, catalog::Component, names::MAX_QUERY};

use super::{
    moment::{Moment, lower_bound, midnight, next, upper_bound},
    problem::invalid,
    schema::{COMPONENT, CREATED, Fields, PACKAGE, QUERY_FIELDS},
    words::with_short_hashes,
};
use crate::catalog::{BENTHOS, Snapshot};

/// How deep parentheses and operators may be nested.
const MAX_DEPTH: usize = 16;
/// Terms of one query.
const MAX_TERMS: usize = 32;

/// Reads a query; an empty one finds everything.
pub(super) fn parse(
    index: &Index,
    fields: &Fields,
    catalog: &Snapshot,
    query: &str,
) -> Result<Box<dyn Query>, Problem> {
    let query = query.trim();
    if query.is_empty() {
        return Ok(Box::new(AllQuery));
    }
    check_bounds(query)?;
    let parsed = parse_query(query)
        .map_err(|_| invalid("The query can't be read: check its quotes, brackets and colons."))?;
    let mut checker = QueryChecker { catalog, terms: 0 };
    let valid = checker.check(parsed, 0)?;
    let mut parser = QueryParser::for_index(index, vec![fields.text]);
    parser.set_conjunction_by_default();
    parser
        .build_query_from_user_input_ast(valid)
        .map_err(|error| invalid(format!("The query can't be read: {error}.")))
}

/// Refuses queries that could exhaust the parser.
fn check_bounds(query: &str) -> Result<(), Problem> {
    if query.chars().count() > MAX_QUERY {
        return Err(invalid(format!(
            "A query has at most {MAX_QUERY} characters."
        )));
    }
    let (mut depth, mut signs) = (0_usize, 0_usize);
    for byte in query.bytes() {
        match byte {
            b'(' => depth += 1,
            b')' => depth = depth.saturating_sub(1),
            _ => {}
        }
        signs = if matches!(byte, b'-' | b'+') {
            signs + 1
        } else {
            0
        };
        if depth > MAX_DEPTH || signs > MAX_DEPTH {
            return Err(too_deep());
        }
    }
    let negations = query.split_whitespace().filter(|word| *word == "NOT");
    if negations.count() > MAX_DEPTH {
        return Err(too_deep());
    }
    Ok(())
}

fn too_deep() -> Problem {
    invalid(format!(
        "A query is nested at most {MAX_DEPTH} levels deep."
    ))
}

struct QueryChecker<'a> {
    catalog: &'a Snapshot,
    terms: usize,
}

impl QueryChecker<'_> {
    fn check(&mut self, ast: UserInputAst, depth: usize) -> Result<UserInputAst, Problem> {
        if depth > MAX_DEPTH * 2 {
            return Err(too_deep());
        }
        match ast {
            UserInputAst::Clause(clauses) => {
                let mut checked = clauses
                    .into_iter()
                    .map(|(occur, ast)| Ok((occur, self.check(ast, depth + 1)?)))
                    .collect::<Result<Vec<_>, Problem>>()?;
                let excludes = |(occur, _): &(Option<Occur>, _)| *occur == Some(Occur::MustNot);
                if !checked.is_empty() && checked.iter().all(excludes) {
                    // Without something to exclude from, nothing would be found.
                    checked.push((Some(Occur::Must), UserInputLeaf::All.into()));
                }
                Ok(UserInputAst::Clause(checked))
            }
            UserInputAst::Boost(ast, boost) => Ok(UserInputAst::Boost(
                Box::new(self.check(*ast, depth + 1)?),
                boost,
            )),
            UserInputAst::Leaf(leaf) => self.leaf(*leaf),
        }
    }

    fn leaf(&mut self, leaf: UserInputLeaf) -> Result<UserInputAst, Problem> {
        self.count(1)?;
        match leaf {
            UserInputLeaf::All => Ok(UserInputLeaf::All.into()),
            UserInputLeaf::Literal(literal) => {
                let Some(field) = &literal.field_name else {
                    return Ok(UserInputLeaf::Literal(UserInputLiteral {
                        phrase: with_short_hashes(&literal.phrase),
                        ..literal
                    })
                    .into());
                };
                check_field(field)?;
                if field == CREATED {
                    return on_day(&literal);
                }
                let base = self.base_packages(&literal);
                let literal = UserInputAst::from(UserInputLeaf::Literal(literal));
                if base.is_empty() {
                    return Ok(literal);
                }
                Ok(UserInputAst::or([vec![literal], base].concat()))
            }
            UserInputLeaf::Range {
                field,
                lower,
                upper,
            } => {
                if field.as_deref() != Some(CREATED) {
                    return Err(invalid("Only `created` takes a range."));
                }
                Ok(UserInputLeaf::Range {
                    field,
                    lower: lower_bound(lower)?,
                    upper: upper_bound(upper)?,
                }
                .into())
            }
            UserInputLeaf::Set { field, elements } => {
                self.count(elements.len())?;
                match &field {
                    Some(field) if field == CREATED => {
                        Err(invalid("`created` takes a day or a range."))
                    }
                    Some(field) => {
                        check_field(field)?;
                        Ok(UserInputLeaf::Set {
                            field: Some(field.clone()),
                            elements,
                        }
                        .into())
                    }
                    None => Err(invalid("`IN` needs a field.")),
                }
            }
            UserInputLeaf::Exists { field } => {
                check_field(&field)?;
                Err(invalid(format!("Name a value for `{field}`.")))
            }
            UserInputLeaf::Regex { .. } => Err(invalid("Regular expressions aren't supported.")),
        }
    }

    /// The base packages that contain this component: builds are indexed only with components of their other packages.
    fn base_packages(&self, literal: &UserInputLiteral) -> Vec<UserInputAst> {
        if literal.field_name.as_deref() != Some(COMPONENT) {
            return Vec::new();
        }
        let asked = literal.phrase.to_lowercase();
        let is_asked = |component: &Component| {
            component.name.to_lowercase() == asked || component.to_string().to_lowercase() == asked
        };
        let packages: BTreeSet<&str> = self
            .catalog
            .all()
            .filter(|release| release.module.as_str() == BENTHOS)
            .flat_map(|release| &release.packages)
            .filter(|package| package.components.iter().any(is_asked))
            .map(|package| package.path.as_str())
            .collect();
        let by_package = |path: &str| {
            UserInputAst::from(UserInputLeaf::Literal(UserInputLiteral {
                field_name: Some(PACKAGE.to_owned()),
                phrase: path.to_owned(),
                delimiter: Delimiter::DoubleQuotes,
                slop: 0,
                prefix: false,
            }))
        };
        packages.into_iter().map(by_package).collect()
    }

    fn count(&mut self, terms: usize) -> Result<(), Problem> {
        self.terms += terms;
        if self.terms > MAX_TERMS {
            return Err(invalid(format!("A query has at most {MAX_TERMS} terms.")));
        }
        Ok(())
    }
}

fn check_field(field: &str) -> Result<(), Problem> {
    if QUERY_FIELDS.contains(&field) {
        return Ok(());
    }
    Err(invalid(format!(
        "There is no field `{}`; the fields are {}. Put quotes around a word with a colon.",
        field.escape_debug(),
        QUERY_FIELDS.join(", ")
    )))
}

/// `created:2026-11-21` means that whole day (UTC).
fn on_day(literal: &UserInputLiteral) -> Result<UserInputAst, Problem> {
    match Moment::parse(&literal.phrase)? {
        Moment::Day(day) => Ok(UserInputLeaf::Range {
            field: Some(CREATED.to_owned()),
            lower: UserInputBound::Inclusive(midnight(day)?),
            upper: UserInputBound::Exclusive(midnight(next(day)?)?),
        }
        .into()),
        Moment::Instant(instant) => Ok(UserInputLeaf::Literal(UserInputLiteral {
            phrase: instant,
            delimiter: Delimiter::DoubleQuotes,
            ..literal.clone()
        })
        .into()),
    }
}

#[cfg(test)]
mod tests;
