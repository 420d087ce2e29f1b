use super::*;

const CONNECT: &str = "github.com/redpanda-data/connect/v4";
const BENTHOS: &str = "github.com/redpanda-data/benthos/v4";

fn spec(
    packages: &[(&str, &str, bool)],
    modules: &[(&str, &str)],
) -> Result<BuildSpec, InvalidSpec> {
    BuildSpec::new(
        Target::new("linux/amd64".parse().unwrap(), None).unwrap(),
        "1.26.8".parse().unwrap(),
        packages
            .iter()
            .map(|(path, module, base)| {
                let module = module.parse().unwrap();
                (
                    path.parse().unwrap(),
                    Package {
                        module,
                        base: *base,
                    },
                )
            })
            .collect(),
        modules
            .iter()
            .map(|(path, version)| (path.parse().unwrap(), version.parse().unwrap()))
            .collect(),
        modules.last().unwrap().0.parse().unwrap(),
    )
}

fn known_packages() -> [String; 3] {
    [
        format!("{CONNECT}/public/components/nats"),
        format!("{BENTHOS}/public/components/pure"),
        format!("{BENTHOS}/public/components/io"),
    ]
}

const KNOWN_MODULES: [(&str, &str); 2] = [(BENTHOS, "v4.77.0"), (CONNECT, "v4.105.0")];

fn known() -> BuildSpec {
    let [nats, pure, io] = known_packages();
    spec(
        &[
            (&nats, CONNECT, false),
            (&pure, BENTHOS, true),
            (&io, BENTHOS, true),
        ],
        &KNOWN_MODULES,
    )
    .unwrap()
}

fn distribution(name: &str, version: &str) -> Distribution {
    Distribution {
        name: Some(name.parse().unwrap()),
        version: Some(version.parse().unwrap()),
    }
}

/// The canonical JSON of [`known`], and its id.
fn identity(name: &str, template: u32, version: &str, hash: &str) -> (String, String) {
    let json = [
        r#"{"goVersion":"1.26.8","goarch":"amd64","goos":"linux","ldflags":"-s -w -buildid=","#,
        r#""modules":{"github.com/redpanda-data/benthos/v4":"v4.77.0","github.com/redpanda-data/connect/v4":"v4.105.0"},"#,
        name,
        r#""packages":["github.com/redpanda-data/benthos/v4/public/components/io","#,
        r#""github.com/redpanda-data/benthos/v4/public/components/pure","#,
        r#""github.com/redpanda-data/connect/v4/public/components/nats"],"#,
        &format!(r#""tags":[],"template":{template},"variant":"v1"{version}}}"#),
    ];
    (json.concat(), format!("build.linux.amd64.1_26_8.{hash}"))
}

fn identity_of(spec: &BuildSpec) -> (String, String) {
    (spec.identity().canonical_json(), spec.key().to_string())
}

/// Every stored build and every shared link depends on these values: they never change, a new template adds one.
#[test]
fn the_ids_of_known_builds_stay_what_they_are() {
    let first = known().with_template(Template::FIRST).unwrap();
    let hash = "a76d2a6549fc2da33fb179084db6f97777b82e1aa2cadad0bd14555d83427efb";
    assert_eq!(identity_of(&first), identity("", 1, "", hash));

    let hash = "3fa6086a643dfdf65995f888407cb08eadadf178a45c0b2113ca398c2eb92098";
    assert_eq!(identity_of(&known()), identity("", 2, "", hash));

    let own = known().with_distribution(distribution("acme-connect", "1.4.0"));
    let hash = "7880f7bdf54e0e8e1420286be6aaa73464b39d5435c6cd31d1315f8910b54920";
    assert_eq!(
        identity_of(&own.unwrap()),
        identity(
            r#""name":"acme-connect","#,
            2,
            r#","version":"1.4.0""#,
            hash
        )
    );
}

#[test]
fn neither_order_nor_reason_is_part_of_the_identity() {
    let [nats, pure, io] = known_packages();
    let turned = [
        (&io[..], BENTHOS, false),
        (&pure, BENTHOS, false),
        (&nats, CONNECT, false),
    ];
    assert_eq!(spec(&turned, &KNOWN_MODULES).unwrap().key(), known().key());
}

#[test]
fn the_name_and_the_version_are_part_of_the_identity() {
    let of = |distribution| known().with_distribution(distribution).unwrap().key();
    let both = distribution("acme-connect", "1.4.0");
    let keys = [
        known().key(),
        of(Distribution {
            version: None,
            ..both.clone()
        }),
        of(Distribution {
            name: None,
            ..both.clone()
        }),
        of(both.clone()),
        of(distribution("acme-connect", "1.4.1")),
    ];
    let different: BTreeSet<_> = keys.iter().collect();
    assert_eq!(different.len(), keys.len());

    let own = known().with_distribution(both).unwrap();
    assert_eq!(
        own.with_template(Template::FIRST),
        Err(InvalidSpec::NoDistribution(Template::FIRST))
    );
}

#[test]
fn modules_and_packages_must_fit() {
    let package = "a.b/c/d";
    assert!(matches!(
        spec(&[], &[("a.b/c", "v1.0.0")]),
        Err(InvalidSpec::NoPackages)
    ));
    assert!(matches!(
        spec(&[(package, "a.b/x", false)], &[("a.b/x", "v1.0.0")]),
        Err(InvalidSpec::OutsideModule { .. })
    ));
    assert!(matches!(
        spec(&[(package, "a.b/c", false)], &[("a.b/x", "v1.0.0")]),
        Err(InvalidSpec::NoVersion { .. })
    ));
    assert!(matches!(
        spec(
            &[(package, "a.b/c", false)],
            &[("a.b/x", "v1.0.0"), ("a.b/c", "v1.0.0")]
        ),
        Err(InvalidSpec::UnusedModule(_))
    ));
}
