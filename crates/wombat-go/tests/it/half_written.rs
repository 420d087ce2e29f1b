//! Files that a builder relies on, damaged as by a crash: the next build succeeds. `make kill-files` damages each in
//! every way.

use std::{
    fs,
    path::{Path, PathBuf},
};

use wombat_go::BuildError;
use wombat_model::FailureClass;

use wombat_testkit::Damage;

use crate::half_scene::{BENTHOS, Scene, failing_spec, own_spec};

/// A kind of file on disk.
struct Row {
    name: &'static str,
    /// Prepares the scene.
    before: fn(&Scene),
    files: fn(&Scene) -> Vec<PathBuf>,
}

const ROWS: &[Row] = &[
    Row {
        name: "builder/graphs: the graph of a set",
        before: |_| (),
        files: |scene| files_below(&scene.state().join("graphs")),
    },
    Row {
        name: "modules: a source file of an unpacked module",
        before: |_| (),
        files: |scene| vec![scene.unpacked().join("p/p.go")],
    },
    Row {
        name: "modules: the go.mod that go reads",
        before: |_| (),
        files: |scene| vec![scene.download("mod")],
    },
    Row {
        name: "modules: the date of the release",
        before: |_| (),
        files: |scene| {
            let folder = scene
                .modules()
                .join("cache/download")
                .join(BENTHOS)
                .join("@v");
            let mut files = files_below(&folder);
            files.retain(|file| file.extension().is_some_and(|kind| kind == "info"));
            files
        },
    },
    Row {
        name: "modules: the checksum of an unpacked module",
        before: |_| (),
        files: |scene| vec![scene.download("ziphash")],
    },
    Row {
        name: "modules: an archive that wasn't unpacked",
        before: |scene| remove(&scene.unpacked()),
        files: |scene| vec![scene.download("zip")],
    },
    Row {
        name: "builder/fetched: what the relay keeps",
        before: |scene| {
            remove(&scene.unpacked());
            remove(scene.download("zip").parent().unwrap());
        },
        files: |scene| files_below(&scene.state().join("fetched")),
    },
];

/// Changes a module as a killed process does.
type Leave = fn(&Scene);

/// States in which a killed process leaves a module.
const LEFT: &[(&str, Leave)] = &[
    ("half unpacked", |scene| {
        remove(&scene.unpacked().join("p"));
        fs::write(scene.download("partial"), "").unwrap();
    }),
    ("half unpacked, without its checksum", |scene| {
        remove(&scene.unpacked().join("p"));
        remove(&scene.download("ziphash"));
    }),
    ("a folder of it lost, and nothing to tell by", |scene| {
        remove(&scene.unpacked().join("p"));
    }),
];

fn files_below(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path());
    entries
        .flat_map(|path| {
            if path.is_dir() {
                files_below(&path)
            } else {
                vec![path]
            }
        })
        .collect()
}

fn remove(path: &Path) {
    let status = std::process::Command::new("sh")
        .args(["-c", "chmod -R u+w \"$1\" && rm -r \"$1\"", "sh"])
        .arg(path)
        .status()
        .unwrap();
    assert!(status.success(), "{}", path.display());
}

#[tokio::test(flavor = "multi_thread")]
async fn every_file_that_a_build_believes_may_be_damaged() {
    let scene = Scene::new().await;
    let spec = own_spec("p");
    scene.build(&spec).await.succeeds("with nothing there");
    for (turn, row) in ROWS.iter().enumerate() {
        for damage in Damage::of_turn(turn) {
            (row.before)(&scene);
            let files = (row.files)(&scene);
            assert!(!files.is_empty(), "{}", row.name);
            for file in &files {
                damage.of(file);
            }
            let what = format!("{}, {damage:?}", row.name);
            scene.build(&spec).await.succeeds(&what);
        }
    }
    for (name, leave) in LEFT {
        leave(&scene);
        scene.build(&spec).await.succeeds(name);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_package_that_is_really_missing_is_looked_for_twice_and_no_more() {
    let scene = Scene::new().await;
    scene.build(&own_spec("p")).await.succeeds("what is there");
    let built = scene.build(&own_spec("missing")).await;
    let Err(BuildError::Failed(failure)) = &built.result else {
        panic!("{:?} {}", built.result, built.log);
    };
    assert_eq!(failure.class, FailureClass::Input, "{failure:?}");
    assert!(
        failure.message.contains("There is no package"),
        "{failure:?}"
    );
    let again = built.log.matches("building once more").count();
    assert_eq!(again, 1, "{}", built.log);
    assert!(scene.unpacked().is_dir(), "a module that is whole stays");
}

/// Go stores data of the checksum database in two places, and trusts both.
#[tokio::test(flavor = "multi_thread")]
async fn what_is_known_of_the_checksum_database_may_be_damaged() {
    let scene = Scene::checked().await;
    let looks_up = async |what: &str| {
        remove(&scene.state().join("graphs"));
        let built = scene.build(&failing_spec("1.26.8")).await;
        built.lacks_package(what);
    };
    drop(scene.workshop().await);
    looks_up("with nothing there").await;
    let places = [
        scene.modules().join("cache/download/sumdb"),
        scene.state().join("gopath/pkg/sumdb"),
    ];
    for (turn, place) in places.iter().enumerate() {
        for damage in Damage::of_turn(turn) {
            for file in files_below(place) {
                damage.of(&file);
            }
            looks_up(&format!("{}, {damage:?}", place.display())).await;
        }
    }
}

/// This Go isn't the installed one, so it is fetched as a module. A failure of class `input` shows that it ran.
#[tokio::test(flavor = "multi_thread")]
async fn a_fetched_go_may_be_damaged_and_the_first_build_with_it_succeeds() {
    let scene = Scene::checked().await;
    let runs = async |what: &str| {
        let built = scene.build(&failing_spec("1.26.7")).await;
        built.lacks_package(what);
    };
    runs("with nothing there").await;
    let version = "v0.0.1-go1.26.7.linux-amd64";
    let folder = scene
        .modules()
        .join(format!("golang.org/toolchain@{version}"));
    let name = format!("golang.org/toolchain/@v/{version}");
    let kept = scene.modules().join("cache/download");
    // Downloading it once is enough.
    let archive = format!("{name}.zip");
    scene
        .proxy
        .replace(&archive, fs::read(kept.join(&archive)).unwrap());
    for damage in Damage::of_turn(1) {
        for file in ["bin/go", "pkg/tool/linux_amd64/compile"] {
            damage.of(&folder.join(file));
        }
        runs(&format!("{damage:?}")).await;
    }
    // Killed before the program was executable.
    let mode = std::os::unix::fs::PermissionsExt::from_mode(0o444);
    fs::set_permissions(folder.join("bin/go"), mode).unwrap();
    fs::write(kept.join(format!("{name}.partial")), "").unwrap();
    runs("half unpacked").await;
}
