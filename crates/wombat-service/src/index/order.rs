//! Orders of a list, and the place of a build in one.

use wombat_model::{Problem, ProblemCode};

use super::schema::Sort;

/// What a list is ordered by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Order {
    pub(super) sort: Sort,
    pub(super) descending: bool,
}

impl Order {
    /// Newest first.
    pub(super) const DEFAULT: Self = Self {
        sort: Sort::Created,
        descending: true,
    };

    pub(super) fn parse(text: Option<&str>) -> Result<Self, Problem> {
        let Some(text) = text else {
            return Ok(Self::DEFAULT);
        };
        let (name, descending) = match text.strip_prefix('-') {
            Some(name) => (name, true),
            None => (text, false),
        };
        let sort = name.parse().map_err(|_| {
            Problem::field(
                ProblemCode::InvalidValue,
                "sort",
                "`sort` must be created, finished, size or duration, with `-` in front for descending.",
            )
        })?;
        Ok(Self { sort, descending })
    }

    /// As it is written in a request.
    pub(super) fn text(self) -> String {
        let sign = if self.descending { "-" } else { "" };
        format!("{sign}{}", self.sort.name())
    }
}

/// Place of a build in an order, smallest first: builds without a value last, then by value, then by id.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Rank {
    pub(super) by_value: ByValue,
    pub(super) tie: u64,
}

/// The part of a rank that most builds differ in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct ByValue {
    missing: bool,
    value: i64,
}

impl ByValue {
    pub(super) fn new(order: Order, value: Option<i64>) -> Self {
        Self {
            missing: value.is_none(),
            // The complement turns the order of all numbers around, the smallest included.
            value: match value {
                Some(value) if order.descending => !value,
                Some(value) => value,
                None => 0,
            },
        }
    }
}

impl Rank {
    pub(super) fn new(order: Order, value: Option<i64>, tie: u64) -> Self {
        Self {
            by_value: ByValue::new(order, value),
            tie,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn orders_are_read_by_name() {
        assert_eq!(Order::parse(None), Ok(Order::DEFAULT));
        for text in ["created", "-created", "finished", "-size", "duration"] {
            assert_eq!(Order::parse(Some(text)).unwrap().text(), text);
        }
        for text in ["", "-", "--created", "name", "Created"] {
            assert!(Order::parse(Some(text)).is_err(), "{text}");
        }
    }

    #[test]
    fn ranks_turn_around_with_the_order_and_keep_the_valueless_last() {
        let order = |text| Order::parse(Some(text)).unwrap();
        for (text, first, second) in [
            ("size", Some(1), Some(2)),
            ("-size", Some(2), Some(1)),
            ("size", Some(i64::MAX), None),
            ("-size", Some(i64::MIN), None),
        ] {
            let rank = |value| Rank::new(order(text), value, 7);
            assert!(rank(first) < rank(second), "{text} {first:?} {second:?}");
        }
    }
}
