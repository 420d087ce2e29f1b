//! Requests over sockets of their own, whose answers are read as far as a test wants, and no further.

use anyhow::Context;
use futures::FutureExt;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    time::timeout,
};

use crate::support::{Api, PATIENCE};

/// A request that was sent, and its connection.
pub(crate) struct RawCall {
    pub(crate) stream: TcpStream,
}

impl RawCall {
    /// Sends `GET path` as a proxy on this machine forwards it for the client `from`. `more`: lines of further headers,
    /// each with its end.
    pub(crate) async fn get(api: &Api, from: &str, path: &str, more: &str) -> anyhow::Result<Self> {
        let text =
            format!("GET {path} HTTP/1.1\r\nHost: a\r\nX-Forwarded-For: {from}\r\n{more}\r\n");
        Self::send(api, &text).await
    }

    /// Sends this text, which may be a part of a request.
    pub(crate) async fn send(api: &Api, text: &str) -> anyhow::Result<Self> {
        let mut stream = TcpStream::connect(api.address).await?;
        stream.write_all(text.as_bytes()).await?;
        Ok(Self { stream })
    }

    /// The head of the answer; nothing after it is taken from the socket.
    pub(crate) async fn head(&mut self) -> anyhow::Result<String> {
        let mut head = Vec::new();
        let read = async {
            while !head.ends_with(b"\r\n\r\n") {
                head.push(self.stream.read_u8().await?);
            }
            anyhow::Ok(())
        };
        timeout(PATIENCE, read).await.context("no answer")??;
        Ok(String::from_utf8(head)?)
    }

    /// Whether an answer has come, or the connection has ended.
    pub(crate) fn has_answer(&self) -> bool {
        let mut byte = [0];
        self.stream.peek(&mut byte).now_or_never().is_some()
    }

    /// Everything that comes until the gateway closes the connection, and whether it did that in order.
    pub(crate) async fn rest(&mut self) -> anyhow::Result<(Vec<u8>, bool)> {
        let mut bytes = Vec::new();
        let read = timeout(PATIENCE, self.stream.read_to_end(&mut bytes));
        let is_orderly = read.await.context("the connection stays open")?.is_ok();
        Ok((bytes, is_orderly))
    }
}

/// The status in a head.
pub(crate) fn status(head: &str) -> u16 {
    let status = head.split(' ').nth(1).and_then(|text| text.parse().ok());
    status.unwrap_or_default()
}

/// The value of a header in a head; empty if it isn't there.
pub(crate) fn value<'a>(head: &'a str, name: &str) -> &'a str {
    let lines = head.lines().filter_map(|line| line.split_once(": "));
    let mut found = lines.filter(|(header, _)| header.eq_ignore_ascii_case(name));
    found.next().map_or("", |(_, value)| value)
}
