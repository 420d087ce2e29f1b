//! One helper's connection: answers its requests as results arrive, in any order.

use std::{io, sync::Arc};

use tokio::{
    io::{AsyncBufRead, AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufReader},
    net::{
        UnixStream,
        unix::{OwnedReadHalf, OwnedWriteHalf},
    },
    sync::mpsc,
    task::JoinSet,
};
use tracing::debug;

use super::{
    connections::{HelperConnection, MOST_GETS, Sessions},
    socket::{FromHelper, ToHelper, line},
};

/// Longest first line, in bytes. A `Hello` with a token has 55; until it is read, the other end may be any process.
const LONGEST_HELLO: u64 = 256;
/// Longest other line, in bytes. The longest that a helper sends is `End`, which lists what `go` requested, with 43
/// bytes for each result: about 3,000 results for a usual selection. This has room for 390,000.
const LONGEST_LINE: u64 = 16 * 1024 * 1024;

/// Why a connection is closed before its helper ends.
#[derive(Debug, thiserror::Error)]
enum ConnectionError {
    /// The socket failed.
    #[error("it can't be read: {0}")]
    Read(#[from] io::Error),
    /// A line is too long.
    #[error("a line has more than {0} bytes")]
    LongLine(u64),
    /// A line isn't a message.
    #[error("a line isn't a message: {0}")]
    Unreadable(#[from] serde_json::Error),
    /// A `Hello` after the first line.
    #[error("the helper said hello twice")]
    SecondHello,
}

/// Answers a helper until it closes its connection, or violates the protocol.
pub(super) async fn serve(stream: UnixStream, sessions: Arc<Sessions>) {
    let (input, output) = stream.into_split();
    let mut input = BufReader::new(input);
    let Ok(Some(FromHelper::Hello { token })) = read(&mut input, LONGEST_HELLO).await else {
        return;
    };
    let session = sessions.all().get(&token).cloned();
    // The build may have ended already.
    let Some(session) = session else { return };
    let connected = session.connect();
    if let Err(error) = answer(&connected, input, output).await {
        debug!(%error, "lost the connection to a compile cache helper");
    }
}

async fn answer(
    session: &HelperConnection,
    mut input: BufReader<OwnedReadHalf>,
    mut output: OwnedWriteHalf,
) -> Result<(), ConnectionError> {
    let (sender, mut answers) = mpsc::channel::<ToHelper>(MOST_GETS);
    let mut writing = JoinSet::new();
    writing.spawn(async move {
        while let Some(answer) = answers.recv().await {
            if output.write_all(&line(&answer)).await.is_err() {
                return;
            }
        }
    });
    while let Some(message) = read(&mut input, LONGEST_LINE).await? {
        match message {
            FromHelper::Get { id, action } => {
                let (shared, sender) = (session.shared(), sender.clone());
                // While there is no permit, no more requests are read, so that the helper waits.
                let Ok(permit) = Arc::clone(&shared.gets).acquire_owned().await else {
                    return Ok(());
                };
                // The fetch goes on after the helper has ended: the next build needs the result, too.
                let fetches = shared.fetches.clone();
                fetches.spawn(async move {
                    let found = shared.get(action).await;
                    // The helper may be gone.
                    let _ = sender.send(ToHelper::answer(id, found)).await;
                    drop(permit);
                });
            }
            FromHelper::Made { .. } => session.made(),
            FromHelper::End { asked } => session.ended(asked.0),
            FromHelper::Hello { .. } => return Err(ConnectionError::SecondHello),
        }
    }
    Ok(())
}

/// The next message, from a line of at most `longest` bytes. `None` at the end of the stream.
async fn read(
    input: &mut (impl AsyncBufRead + Unpin),
    longest: u64,
) -> Result<Option<FromHelper>, ConnectionError> {
    let mut text = Vec::new();
    // One byte more shows that a line is too long.
    let mut input = input.take(longest + 1);
    if input.read_until(b'\n', &mut text).await? == 0 {
        return Ok(None);
    }
    if text.len() as u64 > longest {
        return Err(ConnectionError::LongLine(longest));
    }
    Ok(Some(serde_json::from_slice(&text)?))
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use tokio::{io::repeat, task::yield_now, time::timeout};

    use super::*;
    use crate::{
        connections::SharedSession, fetches::Fetches, local::tests::action, socket::ActionList,
    };

    /// More time than any test takes.
    const LIMIT: Duration = Duration::from_secs(10);

    #[tokio::test]
    async fn a_line_that_is_too_long_is_refused_and_not_read_to_its_end() {
        let message = FromHelper::Made { action: action(1) };
        let text = line(&message);
        let length = text.len() as u64;
        let fits = read(&mut &text[..], length).await;
        assert_eq!(fits.unwrap(), Some(message));
        let too_long = read(&mut &text[..], length - 1).await;
        assert!(
            matches!(too_long, Err(ConnectionError::LongLine(_))),
            "{too_long:?}"
        );

        let mut input = BufReader::new(repeat(b'x').take(2 * LONGEST_LINE));
        let endless = read(&mut input, LONGEST_LINE).await;
        assert!(
            matches!(endless, Err(ConnectionError::LongLine(_))),
            "{endless:?}"
        );
        assert!(input.get_ref().limit() > 0, "the rest isn't read");
    }

    #[test]
    fn a_helper_can_list_a_hundred_times_what_a_usual_selection_requests() {
        let asked = ActionList(vec![action(1); 300_000]);
        assert!((line(&FromHelper::End { asked }).len() as u64) < LONGEST_LINE);
        let token = uuid::Uuid::new_v4().simple().to_string();
        assert!((line(&FromHelper::Hello { token }).len() as u64) < LONGEST_HELLO);
    }

    #[tokio::test]
    async fn a_connection_whose_first_line_is_too_long_is_closed() {
        let (mut ours, theirs) = UnixStream::pair().unwrap();
        let mut serving = JoinSet::new();
        serving.spawn(serve(theirs, Arc::default()));
        ours.write_all(&[b'x'; 1000]).await.unwrap();
        let closed = timeout(LIMIT, ours.read(&mut [0; 1])).await;
        // An error means that it was closed with unread data.
        assert!(matches!(closed, Ok(Ok(0) | Err(_))), "{closed:?}");
    }

    #[tokio::test]
    async fn nothing_more_is_read_from_a_helper_while_all_that_may_be_is_fetched() {
        let shared = Arc::new(SharedSession::new(None, Fetches::default()));
        let sessions = Arc::new(Sessions::default());
        let token = "token".to_owned();
        sessions.all().insert(token.clone(), Arc::clone(&shared));
        // As if that many results were being fetched.
        let permits = u32::try_from(MOST_GETS).unwrap();
        let fetched = Arc::clone(&shared.gets).acquire_many_owned(permits);
        let fetched = fetched.await.unwrap();

        let (mut ours, theirs) = UnixStream::pair().unwrap();
        let mut serving = JoinSet::new();
        serving.spawn(serve(theirs, sessions));
        let action = action(1);
        for message in [
            FromHelper::Hello { token },
            FromHelper::Get { id: 7, action },
            FromHelper::Made { action },
        ] {
            ours.write_all(&line(&message)).await.unwrap();
        }
        let mut connections = shared.connections.subscribe();
        let open = connections.wait_for(|count| *count == 1);
        drop(timeout(LIMIT, open).await.unwrap().unwrap());
        // An event that must not happen can't be awaited. All of this runs on one thread: each yield is the server's
        // turn.
        for _ in 0..1000 {
            yield_now().await;
        }
        assert_eq!(shared.state.lock().made, 0, "the rest isn't read");

        drop(fetched);
        let mut answers = BufReader::new(ours).lines();
        let answer = timeout(LIMIT, answers.next_line()).await;
        let answer = answer.unwrap().unwrap().unwrap();
        let answer: ToHelper = serde_json::from_str(&answer).unwrap();
        assert_eq!(answer, ToHelper::Miss { id: 7 });
        drop(answers);
        let closed = connections.wait_for(|count| *count == 0);
        drop(timeout(LIMIT, closed).await.unwrap().unwrap());
        assert_eq!(shared.state.lock().made, 1);
    }
}
