//! A lean HTTP/1.1 client over one persistent connection: generating load mustn't be what is measured.

use std::net::SocketAddr;

use anyhow::{Context as _, bail, ensure};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _, Interest},
    net::TcpStream,
};

/// Bytes that are read at once: enough for most answers in one read, and for fast downloads.
const BUFFER: usize = 256 * 1024;
/// Characters that are escaped in the query of a path.
const IN_QUERIES: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'.')
    .remove(b'_')
    .remove(b'~')
    .remove(b':');
/// Most headers of an answer.
const HEADERS: usize = 64;

/// A request as it goes over the wire.
pub(crate) fn request(method: &str, path: &str, host: &str, body: &str) -> Vec<u8> {
    let length = body.len();
    let about = if method == "GET" {
        String::new()
    } else {
        format!("Content-Type: application/json\r\nContent-Length: {length}\r\n")
    };
    format!("{method} {path} HTTP/1.1\r\nHost: {host}\r\n{about}\r\n{body}").into_bytes()
}

/// The path of the builds that a query finds; more parameters may be appended.
pub(crate) fn list_path(query: &str) -> String {
    format!("/api/builds?q={}", utf8_percent_encode(query, IN_QUERIES))
}

/// How the body of an answer is framed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Framing {
    Length(usize),
    Chunks,
}

/// The head of an answer.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Head {
    pub(crate) status: u16,
    /// Whether it has a `Retry-After`.
    pub(crate) retry_after: bool,
    framing: Framing,
}

/// A persistent connection.
#[derive(Debug)]
pub(crate) struct Connection {
    stream: TcpStream,
    buffer: Box<[u8]>,
    /// Bytes that were read and not yet used.
    unread: std::ops::Range<usize>,
}

impl Connection {
    pub(crate) async fn open(address: SocketAddr) -> anyhow::Result<Self> {
        Self::with_buffer(address, BUFFER).await
    }

    /// The same for answers in small pieces, for which many connections wait.
    pub(crate) async fn with_buffer(address: SocketAddr, bytes: usize) -> anyhow::Result<Self> {
        let stream = TcpStream::connect(address).await?;
        stream.set_nodelay(true)?;
        Ok(Self {
            stream,
            buffer: vec![0; bytes].into(),
            unread: 0..0,
        })
    }

    /// Sends a request and reads its answer to the end. `body` receives the pieces of the body.
    pub(crate) async fn exchange(
        &mut self,
        request: &[u8],
        mut body: impl FnMut(&[u8]),
    ) -> anyhow::Result<Head> {
        let head = self.ask(request).await?;
        let Framing::Length(mut missing) = head.framing else {
            loop {
                match self.chunk().await? {
                    [] => return Ok(head),
                    piece => body(piece),
                }
            }
        };
        while missing > 0 {
            if self.unread.is_empty() {
                self.fill().await?;
            }
            let take = missing.min(self.unread.len());
            body(&self.buffer[self.unread.start..self.unread.start + take]);
            self.unread.start += take;
            missing -= take;
        }
        Ok(head)
    }

    /// Sends a request and reads the head of its answer.
    pub(crate) async fn ask(&mut self, request: &[u8]) -> anyhow::Result<Head> {
        self.stream.write_all(request).await?;
        loop {
            if let Some((head, length)) = read_head(&self.buffer[self.unread.clone()])? {
                self.unread.start += length;
                return Ok(head);
            }
            self.fill().await?;
        }
    }

    /// The next chunk of a chunked body; empty at its end.
    pub(crate) async fn chunk(&mut self) -> anyhow::Result<&[u8]> {
        loop {
            let unread = &self.buffer[self.unread.clone()];
            match httparse::parse_chunk_size(unread) {
                Ok(httparse::Status::Complete((line, size))) => {
                    let size = usize::try_from(size)?;
                    let whole = line + size + 2;
                    if unread.len() >= whole {
                        let start = self.unread.start + line;
                        self.unread.start += whole;
                        return Ok(&self.buffer[start..start + size]);
                    }
                }
                Ok(httparse::Status::Partial) => {}
                Err(_) => bail!("a chunk without a size"),
            }
            self.fill().await?;
        }
    }

    /// Waits until the other end resets the connection, without reading what it sends.
    pub(crate) async fn until_reset(self) {
        let _ended = self.stream.ready(Interest::ERROR).await;
    }

    /// Reads more.
    async fn fill(&mut self) -> anyhow::Result<()> {
        if self.unread.is_empty() {
            self.unread = 0..0;
        } else if self.unread.end == self.buffer.len() {
            self.buffer.copy_within(self.unread.clone(), 0);
            self.unread = 0..self.unread.len();
        }
        ensure!(
            self.unread.end < self.buffer.len(),
            "a piece of an answer is larger than the buffer"
        );
        let read = self
            .stream
            .read(&mut self.buffer[self.unread.end..])
            .await?;
        ensure!(read > 0, "the connection was closed");
        self.unread.end += read;
        Ok(())
    }
}

fn read_head(bytes: &[u8]) -> anyhow::Result<Option<(Head, usize)>> {
    let mut headers = [httparse::EMPTY_HEADER; HEADERS];
    let mut answer = httparse::Response::new(&mut headers);
    let httparse::Status::Complete(length) = answer.parse(bytes)? else {
        return Ok(None);
    };
    let status = answer.code.context("an answer has a status")?;
    let value = |name: &str| {
        let header = answer
            .headers
            .iter()
            .find(|header| header.name.eq_ignore_ascii_case(name))?;
        std::str::from_utf8(header.value).ok()
    };
    let framing = match value("content-length") {
        Some(length) => Framing::Length(length.trim().parse()?),
        None if value("transfer-encoding").is_some() => Framing::Chunks,
        None => Framing::Length(0),
    };
    let retry_after = value("retry-after").is_some();
    let head = Head {
        status,
        retry_after,
        framing,
    };
    Ok(Some((head, length)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn queries_are_escaped() {
        assert_eq!(
            list_path("goos:linux a&b"),
            "/api/builds?q=goos:linux%20a%26b"
        );
    }
}
