use wombat_model::log::Phase;

use super::*;

fn shaped(limit: u64, reports: impl IntoIterator<Item = Report>) -> Vec<LogEvent> {
    let mut shape = LogShape::new(limit);
    for report in reports {
        shape.take(report);
    }
    shape.finish();
    std::iter::from_fn(|| shape.next()).collect()
}

fn numbered(count: u64) -> impl Iterator<Item = Report> {
    (0..count).map(|n| Report::Line(format!("line {n:04}")))
}

fn lines(events: &[LogEvent]) -> Vec<&str> {
    let of = |event: &'_ LogEvent| match event {
        LogEvent::Lines { .. } => true,
        LogEvent::Claimed { .. }
        | LogEvent::Phase { .. }
        | LogEvent::Gap { .. }
        | LogEvent::End { .. } => false,
    };
    let mut all = Vec::new();
    for event in events.iter().filter(|event| of(event)) {
        if let LogEvent::Lines { lines } = event {
            all.extend(lines.iter().map(String::as_str));
        }
    }
    all
}

#[test]
fn a_log_within_its_limit_is_told_as_it_comes() {
    // Ten bytes each.
    let events = shaped(100, numbered(7));
    assert_eq!(events.len(), 1);
    assert_eq!(lines(&events).len(), 7);
    // The last quarter counts, too: nothing is missing, but the end is held back.
    let events = shaped(100, numbered(9));
    let told = lines(&events);
    assert_eq!((told.len(), told[9]), (10, "line 0008"));
    assert!(told[7].contains("near its limit"), "{}", told[7]);
    let has_gap = events
        .iter()
        .any(|event| matches!(event, LogEvent::Gap { .. }));
    assert!(!has_gap, "{events:?}");
}

#[test]
fn a_log_over_its_limit_keeps_its_beginning_and_its_end_and_counts_what_is_missing() {
    let events = shaped(400, numbered(1000));
    let told = lines(&events);
    assert_eq!(told[29], "line 0029");
    assert!(told[30].contains("only the last 100 bytes"), "{}", told[30]);
    assert_eq!(
        told[31..],
        (990..1000)
            .map(|n| format!("line {n:04}"))
            .collect::<Vec<_>>()
    );
    let gap = LogEvent::Gap {
        dropped: 960,
        bytes: Some(9600),
    };
    let place = events.iter().position(|event| *event == gap).unwrap();
    assert_eq!(lines(&events[..place]).len(), 31);
}

#[test]
fn viewers_are_told_as_soon_as_the_beginning_is_full() {
    let mut shape = LogShape::new(400);
    for report in numbered(31) {
        shape.take(report);
    }
    let events: Vec<LogEvent> = std::iter::from_fn(|| shape.next()).collect();
    assert!(lines(&events)[30].contains("near its limit"), "{events:?}");
}

/// All gaps, in lines and bytes.
fn missing(events: &[LogEvent]) -> Vec<(u64, u64)> {
    let of = |event: &LogEvent| match event {
        LogEvent::Gap { dropped, bytes } => Some((*dropped, bytes.unwrap())),
        LogEvent::Claimed { .. }
        | LogEvent::Phase { .. }
        | LogEvent::Lines { .. }
        | LogEvent::End { .. } => None,
    };
    events.iter().filter_map(of).collect()
}

#[tokio::test(start_paused = true)]
async fn what_is_missing_is_told_while_it_happens_and_adds_up() {
    let mut shape = LogShape::new(400);
    let mut events = Vec::new();
    // One line of ten bytes a second: 30 are the beginning, ten the end.
    for report in numbered(60) {
        shape.take(report);
        tokio::time::advance(Duration::from_secs(1)).await;
        while shape.flush_at().is_some_and(|at| at <= Instant::now()) {
            shape.flush();
        }
        events.extend(std::iter::from_fn(|| shape.next()));
    }
    let told = missing(&events);
    assert_eq!(told, [(5, 50); 4], "every five seconds");
    shape.finish();
    events.extend(std::iter::from_fn(|| shape.next()));
    let told = missing(&events);
    let lines: u64 = told.iter().map(|(lines, _)| lines).sum();
    let bytes: u64 = told.iter().map(|(_, bytes)| bytes).sum();
    assert_eq!((lines, bytes), (20, 200));
    let last = events.last().unwrap();
    assert!(
        matches!(last, LogEvent::Lines { lines } if lines.len() == 10),
        "{last:?}"
    );
}

#[tokio::test(start_paused = true)]
async fn nothing_is_told_while_nothing_is_missing() {
    let mut shape = LogShape::new(400);
    for report in numbered(40) {
        shape.take(report);
    }
    shape.flush();
    assert_eq!(shape.flush_at(), None);
    tokio::time::advance(GAP_AGE * 2).await;
    shape.flush();
    let events: Vec<_> = std::iter::from_fn(|| shape.next()).collect();
    assert_eq!(missing(&events), []);
}

#[test]
fn what_was_dropped_on_the_way_is_in_the_gap_and_phases_pass() {
    let dropped = Report::Dropped {
        lines: 5,
        bytes: 50,
    };
    let reports = numbered(35)
        .chain([dropped, Report::Phase(Phase::Link, None)])
        .chain([Report::Line("the last".to_owned())]);
    let events = shaped(400, reports);
    let gap = LogEvent::Gap {
        dropped: 10,
        bytes: Some(100),
    };
    let last = LogEvent::Lines {
        lines: vec!["the last".to_owned()],
    };
    let link = LogEvent::Phase {
        phase: Phase::Link,
        progress: None,
    };
    assert_eq!(events[events.len() - 3..], [link, gap, last]);
}

#[test]
fn a_line_that_is_longer_than_the_end_has_room_for_is_counted() {
    let long = Report::Line("x".repeat(200));
    let events = shaped(100, [long]);
    let gap = LogEvent::Gap {
        dropped: 1,
        bytes: Some(201),
    };
    assert_eq!(events.last(), Some(&gap));
}
