//! Where a page ended: by value, so that any instance can go on from there.

use serde::Deserialize;
use wombat_model::{BuildKey, Problem, ProblemCode};

use super::{
    order::{Order, Rank},
    schema::{Sorted, tie},
};

/// The id of a build that is listed.
#[derive(Deserialize)]
struct Listed {
    id: BuildKey,
}

/// The cursor for the page after this build, given as JSON: order, value and id. Reading the whole build would take as
/// long as the rest of the page.
pub(super) fn after(order: Order, build: &str) -> serde_json::Result<String> {
    let Listed { id } = serde_json::from_str(build)?;
    let sorted: Sorted = serde_json::from_str(build)?;
    let value = order.sort.value(&sorted);
    let value = value.map(|value| value.to_string()).unwrap_or_default();
    Ok(format!("{}~{value}~{id}", order.text()))
}

/// Reads a cursor of this order.
pub(super) fn parse(order: Order, cursor: &str) -> Result<Rank, Problem> {
    let problem = |message: &str| Problem::field(ProblemCode::InvalidValue, "cursor", message);
    let parts: Vec<&str> = cursor.split('~').collect();
    let [given, value, id] = parts[..] else {
        return Err(problem("This isn't a valid cursor."));
    };
    if given != order.text() {
        return Err(problem("The cursor belongs to a list in another order."));
    }
    let id: BuildKey = id
        .parse()
        .map_err(|_| problem("This isn't a valid cursor."))?;
    let value = match value {
        "" => None,
        number => Some(
            number
                .parse()
                .map_err(|_| problem("This isn't a valid cursor."))?,
        ),
    };
    Ok(Rank::new(order, value, tie(&id)))
}

#[cfg(test)]
mod tests {
    use super::*;

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
