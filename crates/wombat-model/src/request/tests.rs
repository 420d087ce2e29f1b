use super::*;
use crate::RefusalStatus;
use crate::{ProblemCode, Refusal};

fn refusal(body: &str) -> Refusal {
    BuildRequest::from_json(body.as_bytes()).unwrap_err()
}

#[test]
fn reads_the_originals_request() {
    let body = r#"{"goos":"linux","goarch":"amd64","goVersion":"1.26.8","packages":["a.b/c","a.b/d@v1.2.3"],"force":true}"#;
    let request = BuildRequest::from_json(body.as_bytes()).unwrap();
    assert_eq!(request.packages[1].version, Some("v1.2.3".parse().unwrap()));
    assert!(request.force);
    assert_eq!(request.base, Base::Standard);
}

#[test]
fn names_every_problem_at_once() {
    let refusal = refusal(
        r#"{"goos":"plan10","packages":["a.b/c","a.b/\"x", 7],"colour":"red","modules":{"a.b/c":"latest"}}"#,
    );
    assert_eq!(refusal.status, RefusalStatus::BadRequest);
    let found: Vec<(&str, ProblemCode)> = refusal
        .problems
        .iter()
        .map(|problem| (problem.field.as_deref().unwrap(), problem.code))
        .collect();
    assert_eq!(
        found,
        [
            ("goos", ProblemCode::InvalidValue),
            ("goarch", ProblemCode::MissingField),
            ("packages[1]", ProblemCode::InvalidValue),
            ("packages[2]", ProblemCode::WrongType),
            ("modules.a.b/c", ProblemCode::InvalidValue),
            ("colour", ProblemCode::UnknownField),
        ]
    );
}

#[test]
fn missing_fields_are_named_in_one_sentence() {
    let refusal = refusal(r#"{"packages":["a.b/c"]}"#);
    assert_eq!(refusal.problems.len(), 2);
    assert_eq!(refusal.summary(), "`goos` and `goarch` are missing.");
}

#[test]
fn form_is_400_and_content_is_422() {
    assert_eq!(refusal("[]").status, RefusalStatus::BadRequest);
    assert_eq!(refusal("{").status, RefusalStatus::BadRequest);
    assert_eq!(
        refusal(r#"{"goos":"linux","goarch":"amd64"}"#).status,
        RefusalStatus::BadRequest
    );
    let content = refusal(r#"{"goos":"windows","goarch":"s390x","packages":["a.b/c"]}"#);
    assert_eq!(content.status, RefusalStatus::Unprocessable);
    assert_eq!(content.problems[0].code, ProblemCode::UnsupportedPlatform);
}

#[test]
fn counts_are_bounded() {
    let packages: Vec<String> = (0..65).map(|n| format!("a.b/c{n}")).collect();
    let body =
        serde_json::json!({"goos": "linux", "goarch": "amd64", "packages": packages}).to_string();
    assert_eq!(refusal(&body).problems[0].code, ProblemCode::TooMany);
}

#[test]
fn a_distribution_has_a_name_and_a_version_of_few_characters() {
    let asking = |fields: &str| {
        let body = format!(r#"{{"goos":"linux","goarch":"amd64","packages":["a.b/c"]{fields}}}"#);
        BuildRequest::from_json(body.as_bytes())
    };
    let own = asking(r#","name":"acme-connect","version":"1.4.0""#).unwrap();
    assert_eq!(own.distribution.name.unwrap().as_str(), "acme-connect");
    assert_eq!(own.distribution.version.unwrap().as_str(), "1.4.0");
    assert_eq!(own.template, Template::NEWEST);
    let left_out = asking(r#","name":null,"version":null,"template":null"#).unwrap();
    assert!(left_out.distribution.is_default());
    assert_eq!(left_out.template, Template::NEWEST);

    let refusal = asking(r#","name":"Acme \"","version":"","template":3"#).unwrap_err();
    let found: Vec<(&str, ProblemCode)> = refusal
        .problems
        .iter()
        .map(|problem| (problem.field.as_deref().unwrap(), problem.code))
        .collect();
    assert_eq!(
        found,
        ["template", "name", "version"].map(|field| (field, ProblemCode::InvalidValue))
    );
    let name = &refusal.problems[1].message;
    assert!(name.contains("lower-case letters"), "{name}");
    for wrong in [r#","name":7"#, r#","version":1.4"#, r#","template":"2""#] {
        let refusal = asking(wrong).unwrap_err();
        assert_eq!(refusal.problems[0].code, ProblemCode::WrongType, "{wrong}");
    }
}

#[test]
fn the_first_template_takes_neither_name_nor_version() {
    let body = r#"{"goos":"linux","goarch":"amd64","packages":["a.b/c"],"template":1"#;
    let first = BuildRequest::from_json(format!("{body}}}").as_bytes()).unwrap();
    assert_eq!(first.template, Template::FIRST);
    let named = refusal(&format!(r#"{body},"name":"acme","version":"1"}}"#));
    let fields: Vec<_> = named
        .problems
        .iter()
        .map(|problem| problem.field.as_deref().unwrap())
        .collect();
    assert_eq!(fields, ["name", "version"]);
}
