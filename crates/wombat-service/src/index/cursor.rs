//! Where a page ended: by value, so that any instance can go on from there.

use wombat_model::{BuildKey, Problem, ProblemCode, wire::BuildView};

use super::{
    order::{Order, Rank},
    schema::tie,
};

/// The cursor for the page after this build: order, value and id.
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
