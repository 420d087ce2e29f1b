//! Enterprise features, whichever package brings them.

use super::{
    cover::{measured, resolved_in},
    *,
};

fn accepting() -> Policy {
    Policy {
        licences: LicenceArgs {
            accept_licence: Some(AcceptedLicence::Rcl),
            ..LicenceArgs::default()
        },
        ..Policy::default()
    }
}

#[test]
fn an_enterprise_feature_needs_consent_also_in_a_community_package() {
    for body in [
        json!({"components": ["mysql_cdc"]}),
        json!({"components": ["input/mysql_cdc"]}),
        json!({"components": ["mysql_cdc"], "packages": [connect("aws")]}),
    ] {
        let refusal = refused(&body);
        assert_eq!(
            codes(&refusal),
            [(ProblemCode::LicenceNotAccepted, "components[0]")],
            "{body}"
        );
        let message = refusal.summary();
        for word in ["`input/mysql_cdc`", "--accept-licence RCL"] {
            assert!(message.contains(word), "{message}");
        }
        assert_eq!(
            ProblemCode::LicenceNotAccepted.as_str(),
            "licence_not_accepted"
        );
    }
    // Named by its path, the package is what its files are.
    let aws = resolved(&json!({"packages": [connect("aws")]}));
    assert_eq!(aws.answer.licence, Some(Licence::Community));
}

#[test]
fn with_consent_the_smallest_package_is_taken() {
    let body = json!({"components": ["mysql_cdc"]});
    let result = resolve(&request(&body), &measured(), &accepting()).unwrap();
    assert_eq!(added(&result), ["mysql"]);
    assert_eq!(result.answer.licence, Some(Licence::Rcl));

    let body = json!({"components": ["mysql_cdc", "aws_s3"]});
    let result = resolve(&request(&body), &measured(), &accepting()).unwrap();
    assert_eq!(added(&result), ["aws"], "it is needed anyway");
    assert_eq!(result.answer.licence, Some(Licence::Rcl));
}

#[test]
fn without_enterprise_features_the_freest_licence_is_taken() {
    let body = json!({"components": ["schema_registry_decode"]});
    // `kafka` is smaller, and its licence less free.
    let result = resolve(&request(&body), &measured(), &accepting()).unwrap();
    assert_eq!(added(&result), ["confluent"]);
    assert_eq!(result.answer.licence, Some(Licence::Apache));

    let body = json!({"components": ["schema_registry_decode"], "packages": [connect("mysql")]});
    let result = resolve(&request(&body), &measured(), &accepting()).unwrap();
    assert_eq!(
        added(&result),
        ["kafka", "mysql"],
        "the selection isn't free anyway"
    );
}

#[test]
fn apache_alone_refuses_them_whatever_is_accepted() {
    let policy = Policy {
        licences: LicenceArgs {
            licence_policy: LicencePolicy::Apache,
            ..accepting().licences
        },
        ..Policy::default()
    };
    let refusal = refused_under(&policy, &json!({"components": ["mysql_cdc"]}));
    let expected = [(ProblemCode::LicenceRefused, "components[0]")];
    assert_eq!(codes(&refusal), expected);
}

#[test]
fn older_releases_know_them_by_their_packages() {
    use wombat_model::catalog::SupportLevel;
    let catalog = |support: SupportLevel| {
        fixture::edited(move |release| {
            release.generation = 4;
            for package in &mut release.packages {
                package.enterprise.clear();
                if package.licence == Licence::Rcl {
                    package.support = vec![support];
                }
            }
        })
    };
    let body = json!({"components": ["mysql_cdc"]});
    let enterprise = catalog(SupportLevel::Enterprise);
    let refusal = resolve(&request(&body), &enterprise, &any_module()).unwrap_err();
    assert_eq!(refusal.problems[0].code, ProblemCode::LicenceNotAccepted);
    let certified = catalog(SupportLevel::Certified);
    assert_eq!(added(&resolved_in(&certified, &body)), ["aws"]);
}
