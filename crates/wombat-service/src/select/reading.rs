//! Reads the YAML of a pipeline whose variables may be unknown.

use super::{
    document::{Effort, Unreadable, YamlDocuments},
    text::{Text, UseId},
    variables::{Form, UsedValue, VariableUses, first_form, shortened},
};

/// Most forms of unknown values that are tried.
const MOST_TRIES: usize = 24;

/// The documents of a text.
pub(super) struct Read {
    pub(super) documents: YamlDocuments,
    /// Variables that the text can be read only without.
    pub(super) left_out: Vec<UseId>,
}

/// The text can't be read.
pub(super) enum NotRead {
    /// Whatever the variables hold.
    Mistake(Unreadable),
    /// This variable, whose value isn't known, decides whether it can.
    Undecided(UseId),
}

/// A variable whose value isn't known, and how it is written.
struct OpenUse {
    id: UseId,
    line: usize,
    form: Form,
    others: Vec<Form>,
}

/// Reads a text. Unknown values are written in the forms in which it can be read.
pub(super) fn read(
    source: &str,
    uses: &VariableUses,
    effort: &mut Effort,
) -> Result<Read, NotRead> {
    let whole = Text::from_parts_of(source);
    let mut open = open_uses(&whole, source, uses);
    let parse = |open: &[OpenUse], effort: &mut Effort| {
        let mut forms = vec![Form::Word; uses.all.len()];
        for it in open {
            forms[it.id.0] = it.form;
        }
        let Some(text) = uses.replaced(source, &forms) else {
            return Err(Unreadable {
                at: whole.source_position(0),
                used: None,
                problem: VariableUses::too_large(),
            });
        };
        let documents = YamlDocuments::read(&text, uses.placeholder, effort)?;
        let left_out = open.iter().filter(|it| it.form == Form::Nothing);
        Ok(Read {
            documents,
            left_out: left_out.map(|it| it.id).collect(),
        })
    };
    let first = match parse(&open, effort) {
        Ok(read) => return Ok(read),
        Err(failure) => failure,
    };
    let mut line = first.at.line;
    for _ in 1..MOST_TRIES {
        // The value before a failure is its likely reason.
        let is_before = |it: &&mut OpenUse| it.line <= line && !it.others.is_empty();
        if !effort.is_left() {
            break;
        }
        let Some(next) = open.iter_mut().rev().find(is_before) else {
            break;
        };
        next.form = next.others.remove(0);
        match parse(&open, effort) {
            Ok(read) => return Ok(read),
            Err(failure) => line = failure.at.line,
        }
    }
    let own = open.iter().find(|it| it.line == first.at.line);
    Err(match own {
        Some(own) => NotRead::Undecided(own.id),
        None => NotRead::Mistake(with_variable(first, &whole, uses)),
    })
}

fn open_uses(whole: &Text, source: &str, uses: &VariableUses) -> Vec<OpenUse> {
    let all = uses.all.iter().enumerate();
    all.filter(|(_, used)| used.value == UsedValue::Unknown)
        .map(|(number, used)| {
            let form = first_form(source, &used.source);
            OpenUse {
                id: UseId(number),
                line: whole.source_position(used.source.start).line,
                form,
                others: Form::others(form, source, &used.source),
            }
        })
        .collect()
}

/// Names the variable whose value may be the reason.
fn with_variable(failure: Unreadable, whole: &Text, uses: &VariableUses) -> Unreadable {
    let Some(UseId(number)) = failure.used else {
        return failure;
    };
    let written = whole.source_text(uses.all[number].source.clone());
    Unreadable {
        problem: format!(
            "{} Look at the value of `{}`.",
            failure.problem,
            shortened(written)
        ),
        ..failure
    }
}
