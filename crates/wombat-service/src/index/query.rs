//! The query language: the words and fields of tantivy's grammar, bounded, and with days for `created`.
//!
//! Everything is bounded before it is parsed; what was parsed is then walked, so that only the documented fields can be named.

use tantivy::{
    Index,
    query::{AllQuery, Occur, Query, QueryParser},
    query_grammar::{
        Delimiter, UserInputAst, UserInputBound, UserInputLeaf, UserInputLiteral, parse_query,
    },
};
use time::{
    Date, Duration, OffsetDateTime, Time, format_description::well_known::Rfc3339,
    macros::format_description,
};
use wombat_model::{Problem, ProblemCode, names::MAX_QUERY};

use super::schema::{CREATED, Fields, QUERY_FIELDS};

/// How deep parentheses and operators may be nested.
const MAX_DEPTH: usize = 16;
/// Terms of one query.
const MAX_TERMS: usize = 32;

/// Reads a query; an empty one finds everything.
pub(super) fn parse(
    index: &Index,
    fields: &Fields,
    query: &str,
) -> Result<Box<dyn Query>, Problem> {
    let query = query.trim();
    if query.is_empty() {
        return Ok(Box::new(AllQuery));
    }
    check_bounds(query)?;
    let parsed = parse_query(query)
        .map_err(|_| invalid("The query can't be read: check its quotes, brackets and colons."))?;
    let mut walk = Walk { terms: 0 };
    let checked = walk.check(parsed, 0)?;
    let mut parser = QueryParser::for_index(index, vec![fields.text]);
    parser.set_conjunction_by_default();
    parser
        .build_query_from_user_input_ast(checked)
        .map_err(|error| invalid(format!("The query can't be read: {error}.")))
}

fn invalid(message: impl Into<String>) -> Problem {
    Problem::field(ProblemCode::InvalidQuery, "query", message)
}

/// What a parser could choke on.
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

struct Walk {
    terms: usize,
}

impl Walk {
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
                    return Ok(UserInputLeaf::Literal(literal).into());
                };
                check_field(field)?;
                if field == CREATED {
                    return on_day(&literal);
                }
                Ok(UserInputLeaf::Literal(literal).into())
            }
            UserInputLeaf::Range {
                field,
                lower,
                upper,
            } => {
                if field.as_deref() != Some(CREATED) {
                    return Err(invalid("Ranges are for `created` alone."));
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
            UserInputLeaf::Regex { .. } => Err(invalid("Regular expressions aren't taken.")),
        }
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

/// A day as a lower bound begins with it, or where it is excluded, after it.
fn lower_bound(bound: UserInputBound) -> Result<UserInputBound, Problem> {
    Ok(match bound {
        UserInputBound::Inclusive(text) => UserInputBound::Inclusive(match Moment::parse(&text)? {
            Moment::Day(day) => midnight(day)?,
            Moment::Instant(instant) => instant,
        }),
        UserInputBound::Exclusive(text) => match Moment::parse(&text)? {
            Moment::Day(day) => UserInputBound::Inclusive(midnight(next(day)?)?),
            Moment::Instant(instant) => UserInputBound::Exclusive(instant),
        },
        UserInputBound::Unbounded => UserInputBound::Unbounded,
    })
}

/// A day as an upper bound ends with it, or where it is excluded, before it.
fn upper_bound(bound: UserInputBound) -> Result<UserInputBound, Problem> {
    Ok(match bound {
        UserInputBound::Inclusive(text) => match Moment::parse(&text)? {
            Moment::Day(day) => UserInputBound::Exclusive(midnight(next(day)?)?),
            Moment::Instant(instant) => UserInputBound::Inclusive(instant),
        },
        UserInputBound::Exclusive(text) => UserInputBound::Exclusive(match Moment::parse(&text)? {
            Moment::Day(day) => midnight(day)?,
            Moment::Instant(instant) => instant,
        }),
        UserInputBound::Unbounded => UserInputBound::Unbounded,
    })
}

/// How a time is written.
enum Moment {
    Day(Date),
    Instant(String),
}

impl Moment {
    fn parse(text: &str) -> Result<Self, Problem> {
        if let Ok(day) = Date::parse(text, format_description!("[year]-[month]-[day]")) {
            return Ok(Self::Day(day));
        }
        OffsetDateTime::parse(text, &Rfc3339)
            .map(|_| Self::Instant(text.to_owned()))
            .map_err(|_| invalid(format!(
                "`{}` is neither a day such as 2026-01-31 nor a time such as \"2026-01-31T12:00:00Z\".",
                text.escape_debug()
            )))
    }
}

fn next(day: Date) -> Result<Date, Problem> {
    day.checked_add(Duration::DAY)
        .ok_or_else(|| invalid("That day is too far away."))
}

fn midnight(day: Date) -> Result<String, Problem> {
    OffsetDateTime::new_utc(day, Time::MIDNIGHT)
        .format(&Rfc3339)
        .map_err(|_| invalid("That day is too far away."))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::index::schema;

    fn refused(query: &str) -> Option<String> {
        let index = Index::create_in_ram(schema::schema());
        schema::register_tokenizers(&index);
        parse(&index, &schema::fields(), query)
            .err()
            .inspect(|problem| assert_eq!(problem.code, ProblemCode::InvalidQuery))
            .map(|problem| problem.message)
    }

    #[test]
    fn takes_words_fields_and_operators() {
        for query in [
            "",
            "  ",
            "nats",
            "NATS linux",
            "status:success goos:linux",
            "status:success AND (goos:linux OR goos:darwin)",
            "-status:failed",
            "NOT status:failed",
            "*",
            "component:aws_s3",
            "component:input/kafka",
            "package:github.com/redpanda-data/connect/v4/public/components/nats",
            "module:github.com/redpanda-data/connect/v4@v4.105.0",
            "go:1.26.8",
            "goarch: IN [amd64 arm64]",
            "created:2026-11-21",
            "created:\"2026-11-21T07:00:00Z\"",
            "created:[2026-11-20 TO 2026-11-21]",
            "created:>2026-11-20",
            "created:[* TO 2026-11-21}",
            "\"no such host\"",
            "redpanda-data",
        ] {
            assert_eq!(refused(query), None, "{query}");
        }
    }

    #[test]
    fn refuses_what_is_unknown_or_unbounded() {
        let long = "x".repeat(MAX_QUERY + 1);
        let deep = format!("{}a{}", "(".repeat(17), ")".repeat(17));
        let wide: Vec<String> = (0..33).map(|n| format!("a{n}")).collect();
        let wide = wide.join(" ");
        let negated = "NOT ".repeat(40) + "a";
        let signs = "-".repeat(400) + "a";
        for (query, words) in [
            (long.as_str(), "512"),
            (&deep, "16"),
            (&wide, "32 terms"),
            (&negated, "deep"),
            (&signs, "deep"),
            ("colour:red", "`colour`"),
            ("_view:x", "`_view`"),
            ("_text:x", "`_text`"),
            ("status:", ""),
            ("(nats", ""),
            ("\"nats", ""),
            ("status:/s.*/", "Regular"),
            ("status:[a TO b]", "`created`"),
            ("created:yesterday", "neither"),
            ("created:[2026-13-01 TO *]", "neither"),
            ("status:*", "value"),
        ] {
            let message = refused(query).unwrap_or_else(|| panic!("{query} was taken"));
            assert!(message.contains(words), "{query}: {message}");
        }
    }

    #[test]
    fn nothing_makes_it_panic() {
        let parts = [
            "(",
            ")",
            "\"",
            "'",
            "a",
            ":",
            "status:",
            "created:",
            "[",
            "]",
            "{",
            "}",
            " TO ",
            "*",
            "-",
            "+",
            "NOT ",
            " AND ",
            " OR ",
            "^2",
            "~3",
            "/",
            "\\",
            "IN [",
            ">",
            "<=",
            "é",
            "\u{0}",
            "2026-01-01",
        ];
        let mut state = 7_u64;
        for _ in 0..20_000 {
            let mut query = String::new();
            for _ in 0..8 {
                state = state
                    .wrapping_mul(6_364_136_223_846_793_005)
                    .wrapping_add(1);
                query.push_str(parts[usize::try_from(state >> 33).unwrap() % parts.len()]);
            }
            drop(refused(&query));
        }
    }
}
