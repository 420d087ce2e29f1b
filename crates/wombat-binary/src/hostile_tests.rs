//! Binaries whose tables were made up to take long.

use std::{fs::File, io::Write as _};

use super::{functions::MOST, module_list::ModuleList, tests::framed, *};

/// The beginning of an ELF file, a list of modules with long paths, and a table of this many functions, whose names are
/// these in turn.
fn binary(count: usize, names: &[&str]) -> File {
    let mut bytes = b"\x7fELF\x02\x01\x01".to_vec();
    bytes.resize(16, 0);
    let module = |n| format!("dep\t{}/m{n}\tv1.0.0\th1:x=\n", ["a"; 32].join("/"));
    let modules: String = (0..100).map(module).collect();
    bytes.extend(framed(&format!("mod\twombat/binary\t(devel)\t\n{modules}")));
    bytes.resize(bytes.len().next_multiple_of(16), 0);

    let mut texts = Vec::new();
    let mut records = Vec::new();
    for name in names {
        records.extend(0_u32.to_le_bytes());
        records.extend(u32::try_from(texts.len()).unwrap().to_le_bytes());
        texts.extend([name.as_bytes(), b"\0"].concat());
    }
    let header = 8 + 8 * 8;
    let functions = header + texts.len();
    bytes.extend([&functions::MAGICS[0][..], &[1, 8]].concat());
    for word in [count, 0, 0, header, 0, 0, 0, functions] {
        bytes.extend((word as u64).to_le_bytes());
    }
    bytes.extend(texts);
    for n in 0..count {
        let record = count * 8 + 4 + n % names.len() * 8;
        bytes.extend(u32::try_from(n * 16).unwrap().to_le_bytes());
        bytes.extend(u32::try_from(record).unwrap().to_le_bytes());
    }
    bytes.extend(u32::try_from(count * 16).unwrap().to_le_bytes());
    bytes.extend(records);
    let mut file = tempfile::tempfile().unwrap();
    file.write_all(&bytes).unwrap();
    file
}

fn refusal(count: usize, names: &[&str]) -> String {
    match read(&mut binary(count, names)) {
        Err(error @ ReadError::TooLarge { .. }) => error.to_string(),
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_made_up_table_takes_no_longer_than_a_real_one() {
    let said = refusal(MOST + 1, &["main.f"]);
    assert!(said.contains("more than 1000000 functions"), "{said}");
    let long = |last: &str| format!("{}{last}.f", "x".repeat(960));
    let said = refusal(150_000, &[&long("b"), &long("c")]);
    assert!(said.contains("134217728 bytes of names"), "{said}");
    let deep = |last: &str| format!("{}/{last}.f", ["a"; 32].join("/"));
    let said = refusal(40_000, &[&deep("b"), &deep("c")]);
    assert!(said.contains("changes from one package"), "{said}");
}

#[test]
fn a_binary_of_700_megabytes_is_within_the_limits() {
    let name = format!("{}/m7.(*{}).Do", ["a"; 32].join("/"), "T".repeat(50));
    let contents = read(&mut binary(550_000, &[&name])).unwrap();
    let first = &contents.modules[0];
    assert!(first.module.ends_with("/m7"), "{first:?}");
    assert_eq!((first.functions, first.code), (550_000, 550_000 * 16));
}

/// Data after a table is as long as a module wants it to be.
#[test]
fn what_follows_a_table_isnt_read() {
    let mut file = binary(1_000, &["main.f"]);
    let whole = read(&mut file).unwrap();
    let size = file.metadata().unwrap().len();
    file.set_len(size + (100 << 20)).unwrap();
    let found = file::find(&mut file).unwrap();
    let (begin, header) = found.functions.unwrap();
    let table = found.table(&mut file, (begin, &header)).unwrap();
    assert_eq!(begin + table.len() as u64, size, "no more than the table");
    let longer = read(&mut file).unwrap();
    assert_eq!(longer.modules, whole.modules);
}

#[test]
fn a_list_of_modules_has_one_main_module_and_a_short_release() {
    let module = |n| format!("mod\tm{n}\n");
    let many: String = (0..1_000).map(module).collect();
    let list = ModuleList::read(&framed(&many)).unwrap();
    assert_eq!(list.modules.len(), 1);
}
