//! Calls about the catalog: what can be built, and with which Go.

use serde_json::json;
use wombat_model::{
    catalog::Import,
    wire::{
        BlockQuestion, BlocklistAnswer, CatalogAnswer, ComponentAnswer, ComponentsAnswer,
        GoReleasesAnswer, ImportQuestion, ImportsAnswer,
    },
};

use super::pipelines;
use crate::openapi::{
    call::{Call, call},
    choices::kinds,
};

pub(super) fn reading() -> Vec<Call> {
    vec![
        call(
            "get",
            "/api/catalog",
            "searchCatalog",
            "catalog",
            "Find packages",
        )
        .text(
            "q",
            "Words in names of components, packages and descriptions.",
        )
        .choice(
            "kind",
            "Only packages with components of this kind.",
            kinds(),
        )
        .text("module", "Only this module.")
        .text("version", "Only this version of each module.")
        .number("limit", "Maximum number of packages.", u32::MAX)
        .gives::<CatalogAnswer>(200, "Releases and packages."),
        pipelines::selection(),
        call(
            "get",
            "/api/catalog/components",
            "searchComponents",
            "catalog",
            "Find components",
        )
        .text(
            "q",
            "Words in the names, kinds, packages and descriptions of components.",
        )
        .choice("kind", "Only components of this kind.", kinds())
        .text("module", "Only this module.")
        .text("version", "Only this version of each module.")
        .number("limit", "Maximum number of components.", u32::MAX)
        .gives::<ComponentsAnswer>(200, "Components, each with the packages that provide it."),
        call(
            "get",
            "/api/catalog/components/{name}",
            "getComponentByName",
            "catalog",
            "Packages that provide a component of any kind, and its fields",
        )
        .part("name", "Its name.")
        .gives::<ComponentAnswer>(200, "Packages and fields."),
        call(
            "get",
            "/api/catalog/components/{kind}/{name}",
            "getComponent",
            "catalog",
            "Packages that provide a component, and its fields",
        )
        .choice_part("kind", "Its kind.", kinds())
        .part("name", "Its name.")
        .gives::<ComponentAnswer>(200, "Packages and fields."),
        call(
            "get",
            "/api/catalog/go-releases",
            "listGoReleases",
            "catalog",
            "Go releases that builders can fetch, with their checksums",
        )
        .gives::<GoReleasesAnswer>(200, "The newest of each line, then the others."),
    ]
}

/// Calls that change the catalog, and the blocklist.
pub(super) fn administration() -> Vec<Call> {
    vec![
        call(
            "get",
            "/api/catalog/imports",
            "listImports",
            "catalog",
            "Imports into the catalog, and their progress",
        )
        .gives::<ImportsAnswer>(200, "By module and version."),
        call(
            "post",
            "/api/catalog/imports",
            "importRelease",
            "catalog",
            "Import a release of a module into the catalog",
        )
        .takes::<ImportQuestion>(&json!({
            "module": "github.com/redpanda-data/benthos/v4", "version": "v4.77.0"
        }))
        .gives::<Import>(202, "The import waits for a builder, or is running.")
        .needs("admin"),
        call(
            "get",
            "/api/blocklist",
            "getBlocklist",
            "catalog",
            "Modules that must not be built",
        )
        .gives::<BlocklistAnswer>(200, "The list.")
        .needs("operator"),
        call(
            "put",
            "/api/blocklist",
            "setBlocklist",
            "catalog",
            "Set which modules must not be built",
        )
        .takes::<BlockQuestion>(&json!({
            "modules": [{"module": "example.com/stolen/*", "reason": "Its owner lost the key."}]
        }))
        .gives::<BlocklistAnswer>(200, "The list.")
        .needs("admin"),
    ]
}
