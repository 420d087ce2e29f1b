//! Reads all texts of a question: what they name, and their variables.

use wombat_model::wire::{PipelineVariable, ReadFile, SelectQuestion};

use super::{
    bento,
    document::Effort,
    folder::Folder,
    merged::Merged,
    sources::Sources,
    templates::Templates,
    text_file::{Content, TextFile},
    variables::VariableBudget,
    walk::{Known, Mistake, NamedFile, WalkBudget},
};
use crate::catalog::Schemas;

/// What a question's texts name.
pub(super) struct Pipeline {
    pub(super) merged: Merged,
    pub(super) variables: Vec<PipelineVariable>,
    pub(super) files: Vec<ReadFile>,
    /// Whether the YAML of one of them can be read.
    pub(super) is_readable: bool,
}

impl Pipeline {
    /// `outside` is a package of the question whose components the catalog doesn't know.
    pub(super) fn read(
        question: &SelectQuestion,
        schemas: &Schemas,
        outside: Option<&str>,
    ) -> Self {
        let mut effort = Effort::of_texts(question.files.len());
        let sources = Sources::of(question, &mut effort);
        let mut variables = VariableBudget::default();
        let mut files: Vec<TextFile<'_>> = sources
            .all
            .iter()
            .map(|source| TextFile::read(source, question, &mut variables, &mut effort))
            .collect();
        let mut templates = Templates::default();
        for file in &files {
            if let Content::Documents(documents) = &file.content
                && file.roles.is_empty()
            {
                templates.learn(documents);
            }
        }
        let known = Known {
            schemas,
            templates: &templates,
            outside,
        };
        let mut budget = WalkBudget::default();
        for file in &mut files {
            file.walk(known, sources.is_one(), &mut budget);
        }
        let unseen = follow(&mut files, known, &mut budget);
        let is_only = sources.is_one();
        for file in &mut files {
            file.settle(is_only);
        }
        merged(question, sources.manifests, sources.notes, files, unseen)
    }
}

/// Reads the files that others name as mappings, and returns the named ones that aren't there, with the index of the
/// file that names them.
fn follow(
    files: &mut [TextFile<'_>],
    known: Known<'_>,
    budget: &mut WalkBudget,
) -> Vec<(usize, NamedFile)> {
    let folder = Folder::of(files.iter().map(|file| file.source.path()));
    let mut unseen = Vec::new();
    let mut waiting: Vec<usize> = (0..files.len()).collect();
    while let Some(from) = waiting.pop() {
        let named = std::mem::take(&mut files[from].found.named);
        let path_of_namer = files[from].source.path();
        let targets: Vec<(Option<usize>, NamedFile)> = named
            .into_iter()
            .map(|(path, named)| {
                let found = (!named.is_open).then(|| folder.find(&path, path_of_namer));
                (found.flatten(), named)
            })
            .collect();
        for (target, named) in targets {
            let Some(target) = target else {
                unseen.push((from, named));
                continue;
            };
            files[target].is_named = true;
            if named.is_mapping && files[target].is_unknown() {
                let mut mapping = TextFile::mapping(files[target].source);
                mapping.is_named = true;
                mapping.walk(known, false, budget);
                files[target] = mapping;
                waiting.push(target);
            }
        }
    }
    unseen
}

fn merged(
    question: &SelectQuestion,
    manifests: Vec<ReadFile>,
    manifest_notes: Vec<(Option<String>, Mistake)>,
    mut texts: Vec<TextFile<'_>>,
    mut unseen: Vec<(usize, NamedFile)>,
) -> Pipeline {
    let mut merged = Merged::default();
    let mut files = manifests;
    for (file, note) in manifest_notes {
        merged.note_at(file, note);
    }
    let mut is_of_bento = false;
    let is_readable = texts
        .iter()
        .any(|file| matches!(file.content, Content::Documents(_)));
    for file in &mut texts {
        let of_bento = bento::note(file.source, &file.uses)
            .or_else(|| file.found.of_bento.map(bento::note_at));
        if let Some(note) = of_bento.filter(|_| !is_of_bento) {
            is_of_bento = true;
            file.found.notes.insert(note);
        }
        files.push(ReadFile {
            name: file.source.name.clone(),
            entry: file.source.entry.clone(),
            roles: file.roles(),
        });
        merged.add(file.source, std::mem::take(&mut file.found));
        merged.add_variables(file.source, &file.uses, &question.variables);
    }
    unseen.sort_by_key(|(from, named)| (*from, named.at));
    for (from, named) in unseen {
        let message = if named.is_open {
            format!(
                "not seen: `{}`; a variable decides which file it is.",
                named.shown
            )
        } else if named.is_mapping {
            format!(
                "not seen: `{}`; send it as well, its functions and methods may need packages.",
                named.shown
            )
        } else {
            format!(
                "not seen: `{}`; the binary needs it when it runs.",
                named.shown
            )
        };
        let note = Mistake {
            at: named.at,
            message,
        };
        merged.note(texts[from].source, note);
    }
    files.sort_by(|left, right| left.name.cmp(&right.name));
    Pipeline {
        variables: merged.variables(),
        merged,
        files,
        is_readable,
    }
}
