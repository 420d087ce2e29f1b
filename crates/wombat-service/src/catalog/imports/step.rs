//! What follows from the state of an import, as builders wrote it, and from its request, which only services write.

use wombat_model::catalog::{AskedImport, Import, ImportState};
use wombat_store::Versioned;

const NOT_ASKED: &str = "This import wasn't requested from a service of this version, so its result isn't taken. Request it again.";
const CHANGED: &str = "A builder changed the requested packages or Go versions of this import, so its result isn't taken. Request it again \
                       (builders of version 0.1.0 can't import single packages).";

/// What a service does with an import.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Step {
    /// Nothing: builders go on, or it is over.
    Leave,
    /// Stores the result of this request in the catalog.
    Settle(Versioned<AskedImport>),
    /// Notes that this request ended so.
    End(Versioned<AskedImport>, ImportState),
    /// Writes the import as it should be, for this reason.
    Write(Import, &'static str),
}

/// The next step. `asked` was read after the import was.
pub(super) fn next(asked: Option<Versioned<AskedImport>>, import: &Import) -> Step {
    let Some(asked) = asked else {
        return if import.is_over() {
            Step::Leave
        } else {
            Step::Write(failed(import, NOT_ASKED), "it wasn't requested")
        };
    };
    let should_be = || asked.value.import().clone();
    if !asked.value.is_of(import) {
        // Also after a service was stopped between the two writes of a request.
        let is_changed = should_be().requested == import.requested;
        return if is_changed && asked.value.is_open() {
            let state = failed(import, CHANGED).state;
            Step::End(asked, state)
        } else {
            Step::Write(should_be(), "another request stands")
        };
    }
    if !asked.value.is_open() {
        return if *import == should_be() {
            Step::Leave
        } else {
            Step::Write(should_be(), "it is over")
        };
    }
    match &import.state {
        ImportState::New | ImportState::Importing { .. } => Step::Leave,
        ImportState::Storing { .. } => Step::Settle(asked),
        ImportState::Failed { .. } => Step::End(asked, import.state.clone()),
        ImportState::Success { .. } => Step::Write(should_be(), "no service has stored its result"),
    }
}

fn failed(import: &Import, message: &str) -> Import {
    import.at(ImportState::failed(message.to_owned()))
}

#[cfg(test)]
mod tests {
    use time::{Duration, OffsetDateTime};
    use wombat_store::Revision;

    use super::*;

    fn import() -> Import {
        let (module, version) = ("a.b/c".parse().unwrap(), "v1.0.0".parse().unwrap());
        Import::new(module, version, Vec::new(), OffsetDateTime::UNIX_EPOCH)
    }

    fn asked(state: ImportState) -> Versioned<AskedImport> {
        Versioned {
            value: AskedImport::new(&import()).ended(state),
            revision: Revision::new(7),
        }
    }

    fn open() -> Versioned<AskedImport> {
        asked(ImportState::New)
    }

    /// Everything that a builder may write, and the one state that it may not.
    fn states() -> [ImportState; 5] {
        [
            ImportState::New,
            ImportState::Importing {
                builder: "b".parse().unwrap(),
                done: 1,
                of: 2,
                seconds_left: None,
                shared: true,
            },
            ImportState::Storing {
                document: "d".to_owned(),
            },
            failed(&import(), "no").state,
            ImportState::Success { packages: 1 },
        ]
    }

    #[test]
    fn an_import_without_a_request_fails_whatever_builders_write() {
        for state in states() {
            let import = import().at(state);
            match next(None, &import) {
                Step::Leave => assert!(import.is_over()),
                Step::Write(written, _) => {
                    assert!(matches!(written.state, ImportState::Failed { .. }));
                    assert_eq!(next(None, &written), Step::Leave, "and stays so");
                }
                other => panic!("{other:?}"),
            }
        }
    }

    #[test]
    fn only_the_result_of_an_open_request_is_stored() {
        let steps = states().map(|state| next(Some(open()), &import().at(state)));
        let [new, importing, storing, failed, success] = steps;
        assert_eq!((new, importing), (Step::Leave, Step::Leave));
        assert_eq!(storing, Step::Settle(open()));
        assert!(matches!(failed, Step::End(_, ImportState::Failed { .. })));
        let Step::Write(anew, _) = success else {
            panic!("a builder wrote that");
        };
        assert_eq!(anew, import());
    }

    #[test]
    fn what_is_over_stays_so() {
        for end in [
            ImportState::Success { packages: 3 },
            failed(&import(), "why").state,
        ] {
            for state in states() {
                let step = next(Some(asked(end.clone())), &import().at(state));
                let Step::Write(written, _) = step else {
                    panic!("{step:?}");
                };
                assert_eq!(written.state, end);
                assert_eq!(next(Some(asked(end.clone())), &written), Step::Leave);
            }
        }
    }

    #[test]
    fn what_was_requested_is_what_is_imported() {
        let only = vec!["a.b/c/x".parse().unwrap()];
        for state in states() {
            let changed = import().of_only(only.clone()).at(state.clone());
            let step = next(Some(open()), &changed);
            let Step::End(asked, end) = step else {
                panic!("{step:?}");
            };
            let ended = Versioned {
                value: asked.value.ended(end),
                ..asked
            };
            let step = next(Some(ended), &changed);
            assert!(
                matches!(&step, Step::Write(import, _) if import.is_over() && import.only.is_empty()),
                "{step:?}"
            );
            // An older import is in the way of a new request.
            let older = Import {
                requested: OffsetDateTime::UNIX_EPOCH - Duration::SECOND,
                ..import().at(state)
            };
            let step = next(Some(open()), &older);
            let Step::Write(written, _) = step else {
                panic!("{step:?}");
            };
            assert_eq!(written, import());
        }
    }
}
