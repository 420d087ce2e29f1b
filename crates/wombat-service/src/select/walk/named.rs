//! Files that a configuration names: mappings (`from "…"`, `import "…"`, `target_mapping`), and `file://…`.

use std::ops::Range;

use super::{
    super::{
        document::{NodeId, Value},
        folder,
        mapping::Import,
        text::Position,
        variables::shortened,
    },
    Walk,
};

/// A file that a configuration names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct NamedFile {
    /// The path as it may be shown.
    pub(crate) shown: String,
    pub(crate) at: Position,
    /// It is a mapping.
    pub(crate) is_mapping: bool,
    /// A part of the path isn't known.
    pub(crate) is_open: bool,
}

/// Most files that are named.
const MOST_NAMED: usize = 1000;
/// What paths of files begin with, where other addresses may stand.
const SCHEME: &str = "file://";

impl Walk<'_> {
    /// Files that a mapping brings in.
    pub(super) fn imports(&mut self, imports: &[Import], node: NodeId) {
        for import in imports {
            let range = self.documents.range_of(node, import.at, &import.path);
            self.names(&import.path, range, true);
        }
    }

    /// Files that stand in values, whatever the field.
    pub(super) fn named_by_values(&mut self) {
        let documents = self.documents;
        for node in documents.ids() {
            match documents.value(node) {
                Value::Scalar { text, .. } => {
                    if let Some(path) = text.strip_prefix(SCHEME) {
                        let range = documents.range_of(node, SCHEME.len(), path);
                        self.names(path, range, folder::is_mapping(path));
                    }
                }
                Value::Map(_) => {
                    let target = documents.get(node, "target_mapping");
                    if let Some(target) = target
                        && let Some(path) = documents.text(target)
                    {
                        let range = documents.range_of(target, 0, path);
                        self.names(path, range, true);
                    }
                }
                Value::List(_) => {}
            }
        }
    }

    fn names(&mut self, path: &str, range: Range<usize>, is_mapping: bool) {
        if path.is_empty() {
            return;
        }
        let source = self.documents.source();
        if self.found.named.len() >= MOST_NAMED {
            let at = Position { line: 1, column: 1 };
            let message = format!("This file names too many others; {MOST_NAMED} are looked up.");
            return self.note(at, message);
        }
        let is_open = self.documents.has_unknown(path);
        let is_given = self.holds_given(&source.uses_in(&range));
        let shown = if is_open || is_given {
            source.source_text(source.source_range(&range))
        } else {
            path
        };
        let named = NamedFile {
            shown: shortened(shown),
            at: source.position(range.start),
            is_mapping,
            is_open,
        };
        self.found.named.entry(path.to_owned()).or_insert(named);
    }
}
