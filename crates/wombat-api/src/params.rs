//! Query parameters, read one by one so that everything wrong with them is named at once.

use std::{collections::BTreeMap, fmt::Display, str::FromStr};

use axum::extract::Query;
use http::{HeaderMap, Uri};
use wombat_model::{Problem, ProblemCode, Refusal, RefusalStatus};

use crate::ApiError;

/// The parameters of one call.
#[derive(Debug)]
pub(crate) struct Params {
    given: BTreeMap<String, String>,
    problems: Vec<Problem>,
}

impl Params {
    pub(crate) fn of(uri: &Uri) -> Self {
        let mut params = Self {
            given: BTreeMap::new(),
            problems: Vec::new(),
        };
        match Query::<Vec<(String, String)>>::try_from_uri(uri) {
            Ok(Query(pairs)) => {
                for (name, value) in pairs {
                    if params.given.insert(name.clone(), value).is_some() {
                        params.refuse(
                            ProblemCode::InvalidValue,
                            &name,
                            "The parameter is given twice.",
                        );
                    }
                }
            }
            Err(_) => params.problems.push(Problem::general(
                ProblemCode::Malformed,
                "The query of the URL can't be decoded.",
            )),
        }
        params
    }

    fn refuse(&mut self, code: ProblemCode, name: &str, message: impl Into<String>) {
        self.problems.push(Problem::field(code, name, message));
    }

    /// A text; an empty one counts as left out.
    pub(crate) fn text(&mut self, name: &str) -> Option<String> {
        self.given.remove(name).filter(|text| !text.is_empty())
    }

    /// A number; an empty value isn't one.
    pub(crate) fn number(&mut self, name: &str) -> Option<u32> {
        let text = self.given.remove(name)?;
        let number = text.parse().ok();
        if number.is_none() {
            let message = format!("Write a whole number, at most {}.", u32::MAX);
            self.refuse(ProblemCode::InvalidValue, name, message);
        }
        number
    }

    /// A value of some type.
    pub(crate) fn parsed<T>(&mut self, name: &str) -> Option<T>
    where
        T: FromStr,
        T::Err: Display,
    {
        match self.text(name)?.parse() {
            Ok(value) => Some(value),
            Err(error) => {
                self.refuse(ProblemCode::InvalidValue, name, format!("{error}."));
                None
            }
        }
    }

    /// `true` or `false`; false if left out, and true if only its name is there.
    pub(crate) fn flag(&mut self, name: &str) -> bool {
        match self.given.remove(name).as_deref() {
            None | Some("false" | "0") => false,
            Some("true" | "1" | "") => true,
            Some(_) => {
                let message = "Write `true` or `false`.";
                self.refuse(ProblemCode::InvalidValue, name, message);
                false
            }
        }
    }

    /// Seconds to wait: `?wait=N`, else `Prefer: wait=N`.
    pub(crate) fn wait(&mut self, headers: &HeaderMap) -> Option<u64> {
        self.number("wait")
            .map(u64::from)
            .or_else(|| preferred_wait(headers))
    }

    /// Fails with every problem, unknown parameters included.
    pub(crate) fn finish(mut self) -> Result<(), ApiError> {
        for name in std::mem::take(&mut self.given).into_keys() {
            let message = format!("There is no parameter `{}` here.", name.escape_debug());
            self.refuse(ProblemCode::UnknownField, &name, message);
        }
        if self.problems.is_empty() {
            return Ok(());
        }
        Err(Refusal {
            status: RefusalStatus::BadRequest,
            problems: self.problems,
            retry_after: None,
        }
        .into())
    }
}

/// RFC 7240: a preference that can't be understood is ignored.
fn preferred_wait(headers: &HeaderMap) -> Option<u64> {
    headers
        .get_all("prefer")
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
        .find_map(|preference| {
            let (name, seconds) = preference.split_once('=')?;
            let fits = name.trim().eq_ignore_ascii_case("wait");
            let seconds = seconds.split(';').next()?.trim().trim_matches('"');
            fits.then(|| seconds.parse().ok()).flatten()
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_problem_is_named() {
        let mut params = Params::of(
            &"/x?limit=many&facets=perhaps&purge&colour=red&q=a"
                .parse()
                .unwrap(),
        );
        assert_eq!(params.text("q").as_deref(), Some("a"));
        assert_eq!(params.number("limit"), None);
        assert!(!params.flag("facets"));
        assert!(params.flag("purge"));
        let Err(ApiError::Refused(refusal)) = params.finish() else {
            panic!("refused");
        };
        let fields: Vec<_> = refusal
            .problems
            .iter()
            .filter_map(|problem| problem.field.as_deref())
            .collect();
        assert_eq!(fields, ["limit", "facets", "colour"]);
    }

    #[test]
    fn a_preference_is_found_among_others() {
        let mut headers = HeaderMap::new();
        headers.append("prefer", "respond-async, Wait=7".parse().unwrap());
        assert_eq!(preferred_wait(&headers), Some(7));
        headers.insert("prefer", "wait=soon".parse().unwrap());
        assert_eq!(preferred_wait(&headers), None);
    }
}
