//! The call that reads pipelines.

use serde_json::json;
use wombat_model::wire::{SelectAnswer, SelectQuestion};

use crate::openapi::{
    call::{Call, call},
    choices::{architectures, systems},
};

pub(super) fn selection() -> Call {
    call(
        "post",
        "/api/catalog/select",
        "selectForPipeline",
        "catalog",
        "Find what pipelines need, and what is wrong in them; they aren't stored",
    )
    .choice("goos", "Operating system; linux if left out.", systems())
    .choice(
        "goarch",
        "Architecture; amd64 if left out.",
        architectures(),
    )
    .text("goVersion", "A Go release in full.")
    .text("variant", "Level of the architecture.")
    .takes_text(
        "application/yaml",
        "input:\n  nats:\n    urls: [nats://localhost:4222]\n    subject: orders\noutput:\n  stdout: {}\n",
    )
    .takes::<SelectQuestion>(&json!({
        "pipeline": "input:\n  ${SOURCE}:\n    urls: [nats://localhost:4222]\n    subject: orders\noutput:\n  stdout: {}\n",
        "variables": {"SOURCE": "nats"},
    }))
    .takes_form(&json!({
        "type": "object",
        "description": "Files, each with a name of its own, and fields of a question beside them: `goos`, `goarch`, `goVersion`, `variant`, `packages`, `components`, `modules.PATH`, `variables.NAME`.",
        "properties": {"file": {"type": "array", "items": {"type": "string", "format": "binary"}}},
    }))
    .gives::<SelectAnswer>(200, "What they need.")
}
