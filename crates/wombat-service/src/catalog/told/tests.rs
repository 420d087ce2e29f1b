use wombat_store::Versioned;

use super::*;

const REVISION: Revision = Revision::new(3);

fn unreadable() -> WatchEvent<Blocklist> {
    WatchEvent::Unreadable {
        key: "blocklist".to_owned(),
        revision: REVISION,
        problem: "EOF".to_owned(),
    }
}

#[test]
fn a_blocklist_that_cant_be_read_is_told_until_there_is_another() {
    let list = WatchEvent::Value {
        key: "blocklist".to_owned(),
        record: Versioned {
            value: Blocklist::default(),
            revision: REVISION,
        },
        written: OffsetDateTime::UNIX_EPOCH,
    };
    let removed = WatchEvent::Removed {
        key: "blocklist".to_owned(),
        revision: REVISION,
    };
    let mut told = Told::default();
    for readable in [list, removed, WatchEvent::Ready] {
        told.note_blocked(unreadable());
        told.note_blocked(WatchEvent::Ready);
        let problem = told.snapshot().blocklist_problem().map(str::to_owned);
        assert_eq!(problem.as_deref(), Some("EOF"));
        // Another bucket: the old list stands until the new one is read.
        told.note_blocked(WatchEvent::Reset);
        assert!(told.snapshot().blocklist_problem().is_some());
        told.note_blocked(readable);
        assert_eq!(told.snapshot().blocklist_problem(), None);
    }
}
