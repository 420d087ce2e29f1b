//! The components that a request names.

use std::collections::BTreeMap;

use wombat_model::{
    Problem, ProblemCode,
    catalog::{Component, ComponentReference, Offer},
    request::BuildRequest,
};

use crate::catalog::{OfficialNames, nearest, or_nearest};

/// Components, and the first field that names each.
pub(super) type Wanted<'a> = BTreeMap<&'a Component, String>;

/// Every component that the request names.
pub(super) fn of<'a>(
    request: &BuildRequest,
    (offers, names): (&[Offer<'a>], &OfficialNames),
    why_unknown: impl Fn(&ComponentReference) -> Option<String>,
    problems: &mut Vec<Problem>,
) -> Wanted<'a> {
    let mut wanted = BTreeMap::new();
    for (index, reference) in request.components.iter().enumerate() {
        // A bare name means no other module's kinds of component if official ones have it.
        let means_official = names.are_meant_by(reference);
        let is_meant = |component: &&Component| {
            reference.matches(component) && (!means_official || names.has(component))
        };
        let field = format!("components[{index}]");
        let all = || offers.iter().flat_map(|offer| &offer.package.components);
        let mut meant = all().filter(is_meant).peekable();
        if meant.peek().is_none() {
            let message = why_unknown(reference).unwrap_or_else(|| {
                let alike = all()
                    .filter(|component| reference.kind.is_none_or(|kind| kind == component.kind));
                let alike = alike.map(|component| component.name.as_str());
                let close = nearest(&reference.name, alike);
                format!(
                    "No package of these releases brings `{reference}`{}",
                    or_nearest(&close)
                )
            });
            problems.push(Problem::field(
                ProblemCode::UnknownComponent,
                &field,
                message,
            ));
        }
        for component in meant {
            wanted.entry(component).or_insert_with(|| field.clone());
        }
    }
    wanted
}
