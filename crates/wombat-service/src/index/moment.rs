//! Times in queries: whole days (UTC) and exact moments, and what they mean as bounds.

use tantivy::query_grammar::UserInputBound;
use time::{
    Date, Duration, OffsetDateTime, Time, format_description::well_known::Rfc3339,
    macros::format_description,
};
use wombat_model::Problem;

use super::problem::invalid;

/// As a lower bound, a day starts at its midnight or, if excluded, at the next one.
pub(super) fn lower_bound(bound: UserInputBound) -> Result<UserInputBound, Problem> {
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

/// As an upper bound, a day ends at the next midnight or, if excluded, at its own.
pub(super) fn upper_bound(bound: UserInputBound) -> Result<UserInputBound, Problem> {
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
pub(super) enum Moment {
    Day(Date),
    Instant(String),
}

impl Moment {
    pub(super) fn parse(text: &str) -> Result<Self, Problem> {
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

pub(super) fn next(day: Date) -> Result<Date, Problem> {
    day.checked_add(Duration::DAY)
        .ok_or_else(|| invalid("That day is too far away."))
}

pub(super) fn midnight(day: Date) -> Result<String, Problem> {
    OffsetDateTime::new_utc(day, Time::MIDNIGHT)
        .format(&Rfc3339)
        .map_err(|_| invalid("That day is too far away."))
}
