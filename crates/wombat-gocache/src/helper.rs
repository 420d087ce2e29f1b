//! The cache program that `go` starts: answers from the local folders, and asks the builder for all other results.
//!
//! It has no credentials and uses only the folders and one socket. If the builder doesn't answer, it works with the
//! folders alone.

use std::{
    collections::{HashMap, HashSet},
    io::{self, BufRead, BufReader, Read, Write},
    os::unix::net::UnixStream,
    path::PathBuf,
    process::ExitCode,
    sync::Arc,
    thread,
    time::{Duration, UNIX_EPOCH},
};

use base64::{engine::general_purpose::STANDARD, read::DecoderReader};
use parking_lot::Mutex;

use super::{
    bounded_line::read_line,
    id::ActionId,
    levels::Levels,
    local::{Found, LocalCache},
    protocol::{Request, Response},
    socket::{ActionList, FromHelper, ToHelper, line},
};

/// Arguments of `wombat cache-helper`.
#[derive(Clone, Debug, clap::Args)]
pub struct HelperArgs {
    /// Cache folder that all builds read.
    #[arg(long, value_name = "DIR")]
    pub folder: PathBuf,
    /// Cache folder that this build writes to, if not the same.
    #[arg(long, value_name = "DIR")]
    pub private: Option<PathBuf>,
    /// Unix socket of the builder.
    #[arg(long, value_name = "PATH", requires = "token")]
    pub socket: Option<PathBuf>,
    /// Token of the build.
    #[arg(long, value_name = "TEXT")]
    pub token: Option<String>,
    /// Files in the folders that changed before this are verified before use; in nanoseconds since 1970.
    #[arg(long, value_name = "TIME")]
    pub believed_from: Option<u64>,
}

/// Serves one `go` on standard input and output until it closes.
pub fn main(args: HelperArgs) -> ExitCode {
    let from = args.believed_from.map(Duration::from_nanos);
    let cache = |folder: PathBuf| {
        let cache = LocalCache::new(folder);
        match from {
            Some(from) => cache.believing_from(UNIX_EPOCH + from),
            None => cache,
        }
    };
    let levels = Levels::new(cache(args.folder), args.private.map(cache));
    let output = Arc::new(Mutex::new(io::stdout()));
    let builder = args
        .socket
        .zip(args.token)
        .and_then(|(socket, token)| BuilderConnection::connect(&socket, token, &output).ok());
    let helper = Helper {
        levels,
        output,
        builder,
        asked: Vec::new(),
        known: HashSet::new(),
    };
    let input = BufReader::with_capacity(256 * 1024, io::stdin().lock());
    match helper.serve(input) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("wombat cache-helper: {error}");
            ExitCode::FAILURE
        }
    }
}

type Output = Arc<Mutex<io::Stdout>>;

struct Helper {
    levels: Levels,
    output: Output,
    builder: Option<BuilderConnection>,
    asked: Vec<ActionId>,
    known: HashSet<ActionId>,
}

impl Helper {
    fn serve(mut self, mut input: impl BufRead) -> io::Result<()> {
        self.say(&Response::hello())?;
        let mut text = Vec::new();
        loop {
            if read_line(&mut input, &mut text)? == 0 {
                return Ok(());
            }
            if text.trim_ascii().is_empty() {
                continue;
            }
            match Request::parse(&text).map_err(io::Error::other)? {
                Request::Get { id, action } => self.get(id, action)?,
                Request::Put {
                    id,
                    action,
                    output,
                    size,
                } => {
                    let kept = with_body(&mut input, size, |body| {
                        self.levels.put(&action, output, size, body)
                    })?;
                    match kept {
                        Ok(found) => {
                            self.note(action);
                            if let Some(builder) = &self.builder {
                                builder.say(&FromHelper::Made { action });
                            }
                            self.say(&Response::found(id, &found))?;
                        }
                        Err(error) => self.say(&Response::failed(id, &error.to_string()))?,
                    }
                }
                Request::Close { id } => {
                    if let Some(builder) = self.builder.take() {
                        let asked = ActionList(std::mem::take(&mut self.asked));
                        builder.say(&FromHelper::End { asked });
                    }
                    return self.say(&Response::closed(id));
                }
            }
        }
    }

    fn get(&mut self, id: i64, action: ActionId) -> io::Result<()> {
        if let Some(found) = self.levels.find(&action) {
            self.note(action);
            return self.say(&Response::found(id, &found));
        }
        match &self.builder {
            // The answer follows when the builder has one. After a miss `go` compiles and puts the result, which is
            // noted here already.
            Some(builder) if builder.ask(id, action) => {
                self.note(action);
                Ok(())
            }
            Some(_) | None => self.say(&Response::miss(id)),
        }
    }

    fn note(&mut self, action: ActionId) {
        if self.known.insert(action) {
            self.asked.push(action);
        }
    }

    fn say(&self, response: &Response<'_>) -> io::Result<()> {
        say(&self.output, response)
    }
}

fn say(output: &Output, response: &Response<'_>) -> io::Result<()> {
    let mut output = output.lock();
    output.write_all(&response.line())?;
    output.flush()
}

/// Passes the bytes that follow a `put` to `keep`, and reads to their end even if it fails.
fn with_body<T>(
    input: &mut impl BufRead,
    size: u64,
    keep: impl FnOnce(&mut dyn Read) -> io::Result<T>,
) -> io::Result<io::Result<T>> {
    if size == 0 {
        return Ok(keep(&mut io::empty()));
    }
    let mut byte = [0];
    while byte != *b"\"" {
        input.read_exact(&mut byte)?;
    }
    let mut decoder = DecoderReader::new(input.by_ref().take(size.div_ceil(3) * 4), &STANDARD);
    let kept = keep(&mut decoder);
    io::copy(&mut decoder, &mut io::sink())?;
    input.read_exact(&mut byte)?;
    Ok(kept)
}

/// The builder at the other end of the socket.
struct BuilderConnection {
    stream: Mutex<UnixStream>,
    waiting: Arc<Mutex<Option<HashMap<i64, ActionId>>>>,
}

impl BuilderConnection {
    fn connect(socket: &std::path::Path, token: String, output: &Output) -> io::Result<Self> {
        let stream = UnixStream::connect(socket)?;
        let answers = BufReader::new(stream.try_clone()?);
        let builder = Self {
            stream: Mutex::new(stream),
            waiting: Arc::new(Mutex::new(Some(HashMap::new()))),
        };
        builder.say(&FromHelper::Hello { token });
        let (waiting, output) = (Arc::clone(&builder.waiting), Arc::clone(output));
        thread::spawn(move || hand_on(answers, &waiting, &output));
        Ok(builder)
    }

    /// Requests a result. `false` if no answer will come.
    fn ask(&self, id: i64, action: ActionId) -> bool {
        match &mut *self.waiting.lock() {
            Some(waiting) => drop(waiting.insert(id, action)),
            None => return false,
        }
        self.say(&FromHelper::Get { id, action });
        true
    }

    fn say(&self, message: &FromHelper) {
        // If the builder is gone, reading its answers ends, which turns all waiting requests into misses.
        drop(self.stream.lock().write_all(&line(message)));
    }
}

/// Passes the builder's answers on to `go`; when they end, answers all waiting requests with a miss.
fn hand_on(
    mut answers: impl BufRead,
    waiting: &Mutex<Option<HashMap<i64, ActionId>>>,
    output: &Output,
) {
    let mut text = Vec::new();
    while read_line(&mut answers, &mut text).is_ok_and(|length| length > 0) {
        let Ok(answer) = serde_json::from_slice::<ToHelper>(&text) else {
            break;
        };
        let (id, found) = match answer {
            ToHelper::Found {
                id,
                output,
                size,
                path,
            } => (id, Some(Found { output, size, path })),
            ToHelper::Miss { id } => (id, None),
        };
        if waiting
            .lock()
            .as_mut()
            .and_then(|waiting| waiting.remove(&id))
            .is_none()
        {
            continue;
        }
        let response = found
            .as_ref()
            .map_or_else(|| Response::miss(id), |found| Response::found(id, found));
        if say(output, &response).is_err() {
            return;
        }
    }
    for (id, _) in waiting.lock().take().into_iter().flatten() {
        drop(say(output, &Response::miss(id)));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bodies_are_read_to_their_end_whatever_becomes_of_them() {
        let stream = b"\n\"Y29tcGlsZWQ=\"\n{\"ID\":2}\n";
        for refuse in [false, true] {
            let mut input = &stream[..];
            let kept = with_body(&mut input, 8, |body| {
                if refuse {
                    return Err(io::Error::other("no"));
                }
                let mut bytes = Vec::new();
                body.read_to_end(&mut bytes)?;
                Ok(bytes)
            })
            .unwrap();
            assert_eq!(kept.is_err(), refuse);
            if let Ok(bytes) = kept {
                assert_eq!(bytes, b"compiled");
            }
            assert_eq!(input, b"\n{\"ID\":2}\n");
        }
    }
}
