//! What this process knows of builds as it happens: one watch of the records and one follower of the logs, shared by
//! every request and every event stream.

mod logs;
mod record;
mod record_index;
mod records;

pub(crate) use logs::{LineFollower, LogHub, LogLine, LogSignal};
pub(crate) use record::Record;
pub(crate) use records::{RecordFollower, Records};
