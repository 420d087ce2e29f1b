use super::*;
use crate::{module_cache::tests::unpack, module_use::tests::last_used};

/// More bytes than a file system adds.
const LARGE: u64 = 256 << 10;

fn large() -> String {
    "x".repeat(usize::try_from(LARGE).unwrap())
}

fn on_disk(cache: &Path, sizes: &mut FolderSizes) -> Vec<OnDisk> {
    let never = CancellationToken::new();
    ModuleCache(cache).on_disk(sizes, &never).unwrap()
}

#[test]
fn files_belong_to_parts_of_versions() {
    for (name, version, part) in [
        ("v1.0.0.zip", "v1.0.0", Part::Source),
        ("v1.0.0.ziphash", "v1.0.0", Part::Source),
        ("v1.0.0.zip1234.tmp", "v1.0.0", Part::Source),
        ("v1.0.0.partial", "v1.0.0", Part::Source),
        ("v1.0.0-!r!c.1.mod", "v1.0.0-!r!c.1", Part::GoMod),
        (
            "v1.0.0+incompatible.info",
            "v1.0.0+incompatible",
            Part::GoMod,
        ),
    ] {
        assert_eq!(part_of(name), Some((version, part)), "{name}");
    }
    for name in ["list", "v1.0.0.lock", "v1.0.0.zipper", "v1.0.0.info1.tmp"] {
        assert_eq!(part_of(name), None, "{name}");
    }
}

#[test]
fn a_module_takes_what_its_folder_and_its_archive_take() {
    let cache = tempfile::tempdir().unwrap();
    let modules = ModuleCache(cache.path());
    let [module, only_go_mod] =
        ["v2.0.0", "v2.0.1"].map(|it| CachedModule::new("a.example/Az/v2", it));
    unpack(cache.path(), &module, &[("p/p.go", large().as_str())]);
    fs::write(modules.file(&module, "zip"), large()).unwrap();
    fs::write(modules.file(&only_go_mod, "mod"), "module m\n").unwrap();
    fs::write(modules.file(&module, "lock"), "").unwrap();
    // As a crash leaves it.
    let lost = CachedModule::new("a.example/lost", "v1.0.0");
    fs::create_dir_all(modules.folder(&lost)).unwrap();
    let found = on_disk(cache.path(), &mut FolderSizes::new());
    let names: Vec<_> = found.iter().map(|it| (&it.module, it.part)).collect();
    let expected = [
        (&module, Part::Source),
        (&only_go_mod, Part::GoMod),
        (&lost, Part::Source),
    ];
    assert_eq!(names, expected);
    let size = found[0].size;
    assert!((2 * LARGE..3 * LARGE).contains(&size), "{size}");
    assert_eq!(found[0].files.len(), 2);
    assert!(found[2].files.is_empty());
    assert!(found[2].used > SystemTime::UNIX_EPOCH);
}

#[test]
fn a_go_mod_is_in_use_as_long_as_the_source() {
    let cache = tempfile::tempdir().unwrap();
    let module = CachedModule::new("a.example/m", "v1.0.0");
    unpack(cache.path(), &module, &[("p.go", "package p\n")]);
    let go_mod = ModuleCache(cache.path()).file(&module, "mod");
    fs::write(&go_mod, "module m\n").unwrap();
    last_used(cache.path(), &module, 5);
    let source = ModuleCache(cache.path()).file(&module, "ziphash");
    let now = SystemTime::now();
    let file = fs::File::open(source).unwrap();
    file.set_modified(now).unwrap();
    let found = on_disk(cache.path(), &mut FolderSizes::new());
    assert_eq!(found.len(), 2);
    assert_eq!(found[0].used, found[1].used);
}

#[test]
fn what_a_whole_module_takes_is_added_up_once() {
    let cache = tempfile::tempdir().unwrap();
    let module = CachedModule::new("a.example/m", "v1.0.0");
    unpack(cache.path(), &module, &[("p.go", "package p\n")]);
    let mut sizes = FolderSizes::new();
    let before = on_disk(cache.path(), &mut sizes)[0].size;
    let folder = ModuleCache(cache.path()).folder(&module);
    fs::write(folder.join("more.go"), large()).unwrap();
    assert_eq!(on_disk(cache.path(), &mut sizes)[0].size, before);
    fs::write(ModuleCache(cache.path()).file(&module, "partial"), "").unwrap();
    assert!(on_disk(cache.path(), &mut sizes)[0].size > before);
    assert!(sizes.is_empty(), "{sizes:?}");
}

#[test]
fn looking_stops_when_it_is_told_to() {
    let cache = tempfile::tempdir().unwrap();
    let stop = CancellationToken::new();
    stop.cancel();
    let found = ModuleCache(cache.path()).on_disk(&mut FolderSizes::new(), &stop);
    assert!(found.is_none());
}
