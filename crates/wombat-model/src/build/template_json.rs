//! The JSON of a template's number.

use serde::{Deserialize, Serialize};

use crate::Template;

/// A template's number: in answers a number, in records of the second template and later ones a text.
///
/// Builders of version 0.1.0 don't look at the number, and would build by the rules of the first template. They can't
/// read a text, so they leave the record alone.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum TemplateJson {
    /// As a number.
    Number(Template),
    /// As a text.
    Text(#[serde(with = "text")] Template),
}

impl TemplateJson {
    /// The template.
    pub fn template(self) -> Template {
        match self {
            Self::Number(template) | Self::Text(template) => template,
        }
    }
}

mod text {
    use serde::{Deserialize as _, Deserializer, Serializer, de::Error as _};

    use crate::Template;

    #[expect(
        clippy::trivially_copy_pass_by_ref,
        reason = "`serde(with)` passes a reference"
    )]
    pub(super) fn serialize<S: Serializer>(
        template: &Template,
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        serializer.collect_str(template)
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<Template, D::Error> {
        let text = String::deserialize(deserializer)?;
        let number: u32 = text.parse().map_err(D::Error::custom)?;
        Ok(number.into())
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};
    use time::{OffsetDateTime, macros::datetime};

    use super::*;
    use crate::{
        Build, Distribution,
        build::{BuildJson, BuildOutline, UnreadableRecord, tests::waiting},
    };

    const NOW: OffsetDateTime = datetime!(2026-01-02 03:04:05 UTC);

    /// The field by which version 0.1.0 can read one record, and not the other.
    #[derive(Debug, Deserialize)]
    #[expect(dead_code, reason = "only its type counts")]
    struct OldRecord {
        template: u32,
    }

    fn of(template: Template, distribution: Distribution) -> Build {
        let spec = waiting().spec().clone();
        let spec = spec.with_template(template).unwrap();
        Build::new(spec.with_distribution(distribution).unwrap(), 7, NOW)
    }

    fn own() -> Distribution {
        Distribution {
            name: Some("acme-connect".parse().unwrap()),
            version: Some("1.4.0".parse().unwrap()),
        }
    }

    fn record(build: &Build) -> Value {
        serde_json::from_slice(&build.to_record().unwrap()).unwrap()
    }

    fn read(key: &Build, json: &Value) -> Result<Build, UnreadableRecord> {
        Build::from_record(key.key().as_str(), json.to_string().as_bytes(), NOW)
    }

    #[test]
    fn every_template_survives_its_record() {
        for build in [
            of(Template::FIRST, Distribution::default()),
            of(Template::SECOND, Distribution::default()),
            of(Template::SECOND, own()),
            of(3.into(), own()),
        ] {
            let back = read(&build, &record(&build)).unwrap();
            assert_eq!((back.spec(), back.would_lose()), (build.spec(), None));
        }
    }

    #[test]
    fn version_0_1_0_reads_records_of_the_first_template_alone() {
        let first = record(&of(Template::FIRST, Distribution::default()));
        assert_eq!((&first["template"], first.get("schema")), (&json!(1), None));
        assert!(serde_json::from_value::<OldRecord>(first).is_ok());

        let second = record(&of(Template::SECOND, own()));
        assert_eq!(
            (&second["template"], &second["schema"]),
            (&json!("2"), &json!(2))
        );
        assert!(serde_json::from_value::<OldRecord>(second.clone()).is_err());
        // Its janitor must see that the record's binary is still wanted.
        assert!(serde_json::from_value::<BuildOutline>(second).is_ok());
    }

    #[test]
    fn answers_have_a_number_and_no_schema() {
        let build = of(Template::SECOND, own());
        let answer = serde_json::to_value(BuildJson::from(build.clone())).unwrap();
        assert_eq!(
            (&answer["template"], answer.get("schema")),
            (&json!(2), None)
        );
        assert_eq!(
            (&answer["name"], &answer["version"]),
            (&json!("acme-connect"), &json!("1.4.0"))
        );
        assert_eq!(serde_json::from_value::<Build>(answer).unwrap(), build);
    }

    #[test]
    fn a_name_that_was_changed_is_another_build() {
        let build = of(Template::SECOND, own());
        let mut json = record(&build);
        json["name"] = json!("other");
        assert!(matches!(
            read(&build, &json),
            Err(UnreadableRecord::Misplaced(_))
        ));
        for bad in [json!("Acme\"), os.Exit(1)//"), json!(7)] {
            json["name"] = bad;
            assert!(matches!(
                read(&build, &json),
                Err(UnreadableRecord::Malformed(_))
            ));
        }
        json["name"] = json!("acme-connect");
        json["template"] = json!("two");
        assert!(matches!(
            read(&build, &json),
            Err(UnreadableRecord::Malformed(_))
        ));
    }
}
