//! Orders, and where a page ended: by value, so that any instance can go on from there.

use wombat_model::{BuildKey, Problem, ProblemCode, wire::BuildView};

use super::{
    rank::Rank,
    schema::{Sort, tie},
};

/// What a list is ordered by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Order {
    pub(super) sort: Sort,
    pub(super) descending: bool,
}

impl Order {
    /// Newest first.
    const DEFAULT: Self = Self {
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
        Sort::ALL
            .into_iter()
            .find(|sort| sort.name() == name)
            .map(|sort| Self { sort, descending })
            .ok_or_else(|| {
                Problem::field(
                    ProblemCode::InvalidValue,
                    "sort",
                    "sort is created, finished, size or duration, with `-` in front for descending.",
                )
            })
    }

    fn text(self) -> String {
        let sign = if self.descending { "-" } else { "" };
        format!("{sign}{}", self.sort.name())
    }
}

/// The cursor of what comes after this build: order, value and id.
pub(super) fn after(order: Order, view: &BuildView) -> String {
    let value = order.sort.value(view);
    let value = value.map(|value| value.to_string()).unwrap_or_default();
    format!("{}~{value}~{}", order.text(), view.id)
}

/// Reads a cursor of this order.
pub(super) fn parse(order: Order, cursor: &str) -> Result<Rank, Problem> {
    let problem = |message: &str| Problem::field(ProblemCode::InvalidValue, "cursor", message);
    let parts: Vec<&str> = cursor.split('~').collect();
    let [given, value, id] = parts[..] else {
        return Err(problem("This isn't a cursor of ours."));
    };
    if given != order.text() {
        return Err(problem("The cursor belongs to a list in another order."));
    }
    let id: BuildKey = id
        .parse()
        .map_err(|_| problem("This isn't a cursor of ours."))?;
    let value = match value {
        "" => None,
        number => Some(
            number
                .parse()
                .map_err(|_| problem("This isn't a cursor of ours."))?,
        ),
    };
    Ok(Rank::new(order, value, tie(&id)))
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

    #[test]
    fn only_cursors_of_the_same_order_are_taken() {
        let id = format!("build.linux.amd64.1_26_8.{}", "ab".repeat(32));
        let order = Order::DEFAULT;
        assert!(parse(order, &format!("-created~17~{id}")).is_ok());
        assert!(parse(order, &format!("-created~~{id}")).is_ok());
        for bad in [
            String::new(),
            format!("created~17~{id}"),
            format!("-created~x~{id}"),
            "-created~17~build.x".to_owned(),
            format!("-created~17~{id}~"),
        ] {
            assert!(parse(order, &bad).is_err(), "{bad}");
        }
    }
}
