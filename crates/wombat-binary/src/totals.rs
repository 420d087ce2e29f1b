//! Adds up the functions of a binary by module, in bounded time: whoever wrote the binary chose how many functions its
//! table has, and how long their names are.

use std::{borrow::Cow, collections::BTreeMap};

use super::{
    contents::{Contents, ModuleContents},
    error::ReadError,
    functions::Table,
    module_list::ModuleList,
};

/// Name of the standard library and the runtime.
const STANDARD: &str = "std";
/// Most bytes of all functions' names. A binary of 700 MB has half of this.
const MOST_NAMES: usize = 128 << 20;
/// Most lookups of a path among the modules. A binary of 700 MB needs 40,000, since functions of a package are next to
/// each other.
const MOST_LOOKUPS: usize = 1 << 20;

/// What may still be read.
struct Room {
    names: usize,
    lookups: usize,
}

impl Room {
    fn take_name(&mut self, bytes: usize) -> Result<(), ReadError> {
        self.names = self.names.checked_sub(bytes).ok_or(ReadError::TooLarge {
            what: "bytes of names",
            limit: MOST_NAMES,
        })?;
        Ok(())
    }

    fn take_lookups(&mut self, count: usize) -> Result<(), ReadError> {
        self.lookups = self.lookups.checked_sub(count).ok_or(ReadError::TooLarge {
            what: "changes from one package to another",
            limit: MOST_LOOKUPS,
        })?;
        Ok(())
    }
}

/// Assigns every function to its module: the longest path that is a prefix of its package.
pub(super) fn contents(
    size: u64,
    info: ModuleList,
    table: &Table<'_>,
) -> Result<Contents, ReadError> {
    let mut totals: BTreeMap<&str, (u64, u32)> = info
        .modules
        .keys()
        .map(|path| (path.as_str(), (0, 0)))
        .collect();
    let mut room = Room {
        names: MOST_NAMES,
        lookups: MOST_LOOKUPS,
    };
    let mut code = 0;
    // The package of the function before, and its module.
    let mut last: Option<(Cow<'_, str>, Option<&str>)> = None;
    for function in table.functions() {
        room.take_name(function.name_len())?;
        let package = function.package();
        let module = match &last {
            Some((before, module)) if *before == package => *module,
            Some(_) | None => {
                room.take_lookups(ModuleList::lookups(&package))?;
                let module = match info.module_of(&package) {
                    None if is_standard(&package) => Some(STANDARD),
                    module => module,
                };
                last = Some((package, module));
                module
            }
        };
        // Otherwise the module isn't on the list.
        if let Some(module) = module {
            let total = totals.entry(module).or_default();
            total.0 += function.size;
            total.1 += 1;
            code += function.size;
        }
    }
    let mut modules: Vec<ModuleContents> = totals
        .into_iter()
        .map(|(module, (code, functions))| ModuleContents {
            version: if module == STANDARD {
                Some(info.go.clone())
            } else {
                info.modules.get(module).cloned().flatten()
            },
            module: module.to_owned(),
            code,
            functions,
        })
        .collect();
    modules.sort_by(|left, right| (right.code, &left.module).cmp(&(left.code, &right.module)));
    Ok(Contents {
        size,
        go: info.go,
        modules,
        rest: size.saturating_sub(code),
    })
}

/// Import paths of Go's own library have no host name.
fn is_standard(package: &str) -> bool {
    !package.split('/').next().unwrap_or_default().contains('.')
}
