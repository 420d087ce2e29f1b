use super::*;
use crate::main_file::tests::{BENTHOS, CONNECT, spec};

const PQ: &str = "example.com/pq";

/// A release in which `sql` brings a driver and `cdc` registers an input in a file with a licence of its own.
fn packages(folder: &std::path::Path, with_driver: bool) -> Packages {
    let file = |name: &str, text: &str| {
        fs::create_dir_all(folder.join(name)).unwrap();
        fs::write(folder.join(name).join("package.go"), text).unwrap();
    };
    let register = |function: &str, name: &str| {
        format!(
            "package x\n\nfunc init() {{\n\tservice.MustRegister{function}(\"{name}\", spec)\n}}\n"
        )
    };
    let mark =
        "// Licensed as a Redpanda Enterprise file under the Redpanda Community\n// License\n\n";
    file("internal/sql", &register("BatchOutput", "sql_insert"));
    file(
        "internal/cdc",
        &format!("{mark}{}", register("BatchInput", "my_cdc")),
    );
    file("internal/shared", &format!("{mark}package x\n"));
    file(
        "pq",
        "package pq\n\nfunc init() {\n\tsql.Register(\"postgres\", &Driver{})\n}\n",
    );
    for name in ["sql", "cdc"] {
        file(&format!("public/components/{name}"), "package x\n");
    }
    let package = |path: String, name: &str, module: serde_json::Value, imports: Vec<String>| {
        serde_json::json!({
            "ImportPath": path, "Dir": folder.join(name), "GoFiles": ["package.go"], "Module": module,
            "Imports": imports,
        })
        .to_string()
    };
    let own = |name: &str, imports: &[&str]| {
        let imports = imports.iter().map(|it| match *it {
            PQ => PQ.to_owned(),
            name => format!("{CONNECT}/{name}"),
        });
        let module = serde_json::json!({"Path": CONNECT, "Version": "v4.105.0", "Dir": folder});
        package(format!("{CONNECT}/{name}"), name, module, imports.collect())
    };
    let imports: &[&str] = if with_driver {
        &["internal/sql", PQ]
    } else {
        &["internal/sql"]
    };
    let pq = serde_json::json!({"Path": PQ, "Version": "v1.12.0"});
    let components = |name: &str| format!("{CONNECT}/public/components/{name}");
    let main = serde_json::json!({
        "ImportPath": "wombat/binary",
        "Imports": [components("sql"), components("cdc"), format!("{BENTHOS}/public/service")],
    });
    let lines = [
        serde_json::json!({"ImportPath": format!("{BENTHOS}/public/service")}).to_string(),
        own("internal/shared", &[]),
        own("internal/sql", &["internal/shared"]),
        own("internal/cdc", &["internal/shared"]),
        package(PQ.to_owned(), "pq", pq, Vec::new()),
        own("public/components/sql", imports),
        own("public/components/cdc", &["internal/cdc"]),
        main.to_string(),
    ];
    Packages::from_json(lines.join("\n").as_bytes()).unwrap()
}

fn surveyed(with_driver: bool) -> Survey {
    let folder = tempfile::tempdir().unwrap();
    let packages = packages(folder.path(), with_driver);
    let components = |name: &str| format!("{CONNECT}/public/components/{name}");
    survey(&packages, &spec(&[&components("sql"), &components("cdc")]))
}

fn facts<'a>(survey: &'a Survey, name: &str) -> &'a PackageFacts {
    let path = format!("{CONNECT}/public/components/{name}")
        .parse()
        .unwrap();
    &survey.packages[&path]
}

#[test]
fn the_licence_of_a_component_is_that_of_the_file_that_registers_it() {
    let survey = surveyed(true);
    let registered = |name: &str| {
        let registered = facts(&survey, name).registered.iter();
        let registered = registered.map(|(component, marked)| (component.to_string(), *marked));
        registered.collect::<Vec<_>>()
    };
    assert_eq!(registered("sql"), [("output/sql_insert".to_owned(), false)]);
    assert_eq!(registered("cdc"), [("input/my_cdc".to_owned(), true)]);
    // Either compiles a licensed file.
    assert_eq!(facts(&survey, "sql").marked_files, 1);
    assert_eq!(facts(&survey, "cdc").marked_files, 2);
}

#[test]
fn drivers_are_what_a_package_imports_and_registers() {
    let survey = surveyed(true);
    let [driver] = survey.drivers.as_slice() else {
        panic!("{:?}", survey.drivers);
    };
    assert_eq!(
        (driver.name.as_str(), driver.path.as_str()),
        ("postgres", PQ)
    );
    assert_eq!(driver.version.as_str(), "v1.12.0");
    assert!(facts(&survey, "sql").compiled.contains(PQ));
    assert!(!facts(&survey, "cdc").compiled.contains(PQ));
    assert!(
        !facts(&survey, "sql")
            .compiled
            .iter()
            .any(|it| it.contains("benthos"))
    );
    assert!(survey.source_bytes[PQ] > 20);

    let without = surveyed(false);
    assert_eq!(without.drivers, []);
    assert!(!facts(&without, "sql").compiled.contains(PQ));
}
