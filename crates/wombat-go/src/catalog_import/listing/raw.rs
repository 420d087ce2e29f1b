//! The JSON of a listing.

use serde::Deserialize;
use serde_json::Value;

#[derive(Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(super) struct RawListing {
    pub(super) config: Vec<RawField>,
    pub(super) buffers: Vec<RawComponent>,
    pub(super) caches: Vec<RawComponent>,
    pub(super) inputs: Vec<RawComponent>,
    pub(super) outputs: Vec<RawComponent>,
    pub(super) processors: Vec<RawComponent>,
    pub(super) rate_limits: Vec<RawComponent>,
    pub(super) metrics: Vec<RawComponent>,
    pub(super) tracers: Vec<RawComponent>,
    pub(super) scanners: Vec<RawComponent>,
    pub(super) bloblang_functions: Vec<RawFunction>,
    pub(super) bloblang_methods: Vec<RawFunction>,
}

#[derive(Deserialize)]
pub(super) struct RawComponent {
    pub(super) name: String,
    #[serde(default)]
    pub(super) status: String,
    #[serde(default)]
    pub(super) support_level: String,
    #[serde(default)]
    pub(super) version: String,
    #[serde(default)]
    pub(super) categories: Option<Vec<String>>,
    #[serde(default)]
    pub(super) summary: String,
    #[serde(default)]
    pub(super) description: String,
    pub(super) config: RawField,
    #[serde(default)]
    pub(super) examples: Option<Vec<RawExample>>,
}

#[derive(Deserialize)]
pub(super) struct RawExample {
    #[serde(default)]
    pub(super) title: String,
    #[serde(default)]
    pub(super) summary: String,
    #[serde(default)]
    pub(super) config: String,
}

#[derive(Deserialize)]
#[expect(clippy::struct_excessive_bools, reason = "the listing has them")]
pub(super) struct RawField {
    #[serde(default)]
    pub(super) name: String,
    #[serde(rename = "type")]
    pub(super) of: String,
    #[serde(default)]
    pub(super) kind: String,
    #[serde(default)]
    pub(super) description: String,
    #[serde(default)]
    pub(super) is_optional: bool,
    #[serde(default)]
    pub(super) is_advanced: bool,
    #[serde(default)]
    pub(super) is_deprecated: bool,
    #[serde(default)]
    pub(super) is_secret: bool,
    #[serde(default)]
    pub(super) bloblang: bool,
    #[serde(default)]
    pub(super) interpolated: bool,
    #[serde(default)]
    pub(super) default: Option<Value>,
    #[serde(default)]
    pub(super) options: Option<Vec<String>>,
    #[serde(default)]
    pub(super) annotated_options: Option<Vec<(String, String)>>,
    #[serde(default)]
    pub(super) examples: Option<Vec<Value>>,
    #[serde(default)]
    pub(super) linter: String,
    #[serde(default)]
    pub(super) children: Option<Vec<Self>>,
}

#[derive(Deserialize)]
pub(super) struct RawFunction {
    pub(super) name: String,
    #[serde(default)]
    pub(super) status: String,
    #[serde(default)]
    pub(super) version: String,
    #[serde(default)]
    pub(super) category: String,
    #[serde(default)]
    pub(super) categories: Option<Vec<RawCategory>>,
    #[serde(default)]
    pub(super) description: String,
    #[serde(default)]
    pub(super) params: RawParameters,
    #[serde(default)]
    pub(super) examples: Option<Vec<RawMappingExample>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct RawCategory {
    pub(super) category: String,
    #[serde(default)]
    pub(super) description: String,
    #[serde(default)]
    pub(super) examples: Option<Vec<RawMappingExample>>,
}

#[derive(Deserialize, Default)]
pub(super) struct RawParameters {
    #[serde(default)]
    pub(super) variadic: bool,
    #[serde(default)]
    pub(super) named: Option<Vec<RawParameter>>,
}

#[derive(Deserialize)]
pub(super) struct RawParameter {
    pub(super) name: String,
    #[serde(rename = "type", default)]
    pub(super) of: String,
    #[serde(default)]
    pub(super) is_optional: bool,
    #[serde(default)]
    pub(super) default: Option<Value>,
    #[serde(default)]
    pub(super) description: String,
}

#[derive(Deserialize)]
pub(super) struct RawMappingExample {
    #[serde(default)]
    pub(super) mapping: String,
    #[serde(default)]
    pub(super) summary: String,
}
