//! Kubernetes manifests: `ConfigMap`s and `Secret`s whose entries are pipelines.
//!
//! Variables in a manifest are replaced by nothing before Kubernetes reads it, so it is read as it is; those in an entry
//! are replaced when Benthos reads the entry.

use super::{
    document::{Effort, NodeId, Value, YamlDocuments},
    frame::Frame,
    text::Text,
    variables::{any_placeholder, shortened},
    walk::Mistake,
};

/// Deepest list of manifests in a list.
const MAX_LISTS: usize = 4;

/// What a manifest holds.
#[derive(Default)]
pub(super) struct Manifest {
    pub(super) entries: Vec<ManifestEntry>,
    /// What isn't read.
    pub(super) notes: Vec<Mistake>,
}

/// A text in a manifest.
pub(super) struct ManifestEntry {
    pub(super) key: String,
    pub(super) text: String,
    pub(super) frame: Frame,
}

impl Manifest {
    /// Reads a file. `None`: it is no manifest.
    pub(super) fn read(file: &str, effort: &mut Effort) -> Option<Self> {
        if !(file.contains("apiVersion") && file.contains("kind")) {
            return None;
        }
        let mut text = Text::from_parts_of(file);
        text.copy(0..file.len());
        let documents = YamlDocuments::read(&text, any_placeholder(), effort).ok()?;
        let roots = documents.roots.iter().copied();
        if !roots
            .clone()
            .any(|root| kind_of(&documents, root).is_some())
        {
            return None;
        }
        let mut reader = Reader {
            file,
            documents: &documents,
            manifest: Self::default(),
        };
        for root in roots {
            reader.object(root, 0);
        }
        Some(reader.manifest)
    }
}

/// The kind of object, such as `ConfigMap`.
fn kind_of(documents: &YamlDocuments, node: NodeId) -> Option<&str> {
    let text = |key: &str| documents.text(documents.get(node, key)?);
    text("apiVersion").and_then(|_| text("kind"))
}

struct Reader<'a> {
    file: &'a str,
    documents: &'a YamlDocuments,
    manifest: Manifest,
}

impl Reader<'_> {
    fn object(&mut self, node: NodeId, lists: usize) {
        let Some(kind) = kind_of(self.documents, node) else {
            if matches!(self.documents.value(node), Value::Map(_)) {
                self.note(node, "This part isn't read: the other parts of the file are Kubernetes objects. Put a pipeline into a file of its own.");
            }
            return;
        };
        match kind {
            "ConfigMap" => {
                self.entries(node, "data");
                self.unread(node, "binaryData");
            }
            "Secret" => {
                self.entries(node, "stringData");
                self.unread(node, "data");
            }
            "List" | "ConfigMapList" if lists == MAX_LISTS => {
                let message = format!("Lists are read {MAX_LISTS} deep; this one isn't.");
                self.note(node, &message);
            }
            "List" | "ConfigMapList" => {
                if let Some(items) = self.documents.get(node, "items")
                    && let Value::List(items) = self.documents.value(items)
                {
                    for item in items {
                        self.object(*item, lists + 1);
                    }
                }
            }
            other => self.other(node, other),
        }
    }

    /// An object of another kind. Those of Redpanda's operator have a pipeline in `spec.configYaml`.
    fn other(&mut self, node: NodeId, kind: &str) {
        let pipeline = self.documents.get(node, "spec");
        let pipeline = pipeline.and_then(|spec| self.documents.get(spec, "configYaml"));
        match pipeline.filter(|it| self.documents.text(*it).is_some()) {
            Some(pipeline) => self.entry("configYaml".to_owned(), pipeline),
            None => self.note(
                node,
                &format!("A `{}` holds no pipeline; it isn't read.", shortened(kind)),
            ),
        }
    }

    fn entries(&mut self, node: NodeId, field: &str) {
        let Some(data) = self.documents.get(node, field) else {
            return;
        };
        let Value::Map(entries) = self.documents.value(data) else {
            return;
        };
        for entry in entries {
            let key = self.documents.text(entry.key).unwrap_or_default();
            if self.documents.text(entry.value).is_some() {
                self.entry(key.to_owned(), entry.value);
            } else {
                self.note(
                    entry.key,
                    &format!(
                        "The value of `{}` must be text; put `|` before a pipeline.",
                        shortened(key)
                    ),
                );
            }
        }
    }

    fn entry(&mut self, key: String, node: NodeId) {
        let text = self.documents.text(node).unwrap_or_default().to_owned();
        let frame = Frame::of_scalar(self.documents, node, self.file);
        self.manifest
            .entries
            .push(ManifestEntry { key, text, frame });
    }

    fn unread(&mut self, node: NodeId, field: &str) {
        if let Some(data) = self.documents.get(node, field) {
            let message =
                format!("`{field}` is encoded, and isn't read; send the files themselves.");
            self.note(data, &message);
        }
    }

    fn note(&mut self, node: NodeId, message: &str) {
        self.manifest.notes.push(Mistake {
            at: self.documents.position(node),
            message: message.to_owned(),
        });
    }
}
