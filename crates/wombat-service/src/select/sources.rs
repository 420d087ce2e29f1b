//! The texts of a question: its pipeline, its files, and the entries of manifests.

use wombat_model::{
    names::MAX_FILES,
    wire::{FileRole, ReadFile, SelectQuestion},
};

use super::{document::Effort, frame::Frame, manifest::Manifest, text::Position, walk::Mistake};

/// A text.
pub(super) struct Source {
    /// Of the file; `None`: the text of `pipeline`.
    pub(super) name: Option<String>,
    /// Of an entry of a manifest.
    pub(super) entry: Option<String>,
    pub(super) text: String,
    frame: Frame,
}

impl Source {
    /// A place of the text in its file.
    pub(super) fn place(&self, at: Position) -> Position {
        self.frame.outer(at)
    }

    /// What other files may call it.
    pub(super) fn path(&self) -> &str {
        let own = self.entry.as_deref().or(self.name.as_deref());
        own.unwrap_or_default()
    }
}

/// All texts of a question.
#[derive(Default)]
pub(super) struct Sources {
    pub(super) all: Vec<Source>,
    /// Manifests, whose entries are among the texts.
    pub(super) manifests: Vec<ReadFile>,
    /// What isn't read of manifests, with the file's name.
    pub(super) notes: Vec<(Option<String>, Mistake)>,
}

impl Sources {
    pub(super) fn of(question: &SelectQuestion, effort: &mut Effort) -> Self {
        let mut sources = Self::default();
        if question.files.is_empty() {
            sources.add(None, &question.pipeline, effort);
        }
        for (name, text) in question.files.iter() {
            sources.add(Some(name.to_owned()), text, effort);
        }
        sources
    }

    fn add(&mut self, name: Option<String>, text: &str, effort: &mut Effort) {
        let Some(manifest) = Manifest::read(text, effort) else {
            self.all.push(Source {
                name,
                entry: None,
                text: text.to_owned(),
                frame: Frame::Whole,
            });
            return;
        };
        self.manifests.push(ReadFile {
            name: name.clone(),
            entry: None,
            roles: vec![FileRole::Manifest],
        });
        let notes = manifest.notes.into_iter();
        self.notes.extend(notes.map(|note| (name.clone(), note)));
        for entry in manifest.entries {
            if self.all.len() == MAX_FILES {
                let message = format!(
                    "The files and entries of manifests are more than {MAX_FILES}; the others aren't read."
                );
                let at = entry.frame.outer(Position { line: 1, column: 1 });
                self.notes.push((name, Mistake { at, message }));
                return;
            }
            self.all.push(Source {
                name: name.clone(),
                entry: Some(entry.key),
                text: entry.text,
                frame: entry.frame,
            });
        }
    }

    /// Whether there is one text alone, which must be a pipeline then if it is nothing else.
    pub(super) fn is_one(&self) -> bool {
        self.all.len() == 1 && self.manifests.is_empty()
    }
}
