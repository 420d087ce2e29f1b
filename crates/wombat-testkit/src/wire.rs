//! NATS without a client library: tests see the server's response to each line.

use std::{
    io::{BufRead, BufReader, Read, Write},
    net::TcpStream,
    time::Duration,
};

use anyhow::{Context, bail};
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use nkeys::KeyPair;
use serde_json::{Value, json};

/// How long the server may take to respond.
const ANSWER_LIMIT: Duration = Duration::from_secs(10);

/// A connection whose lines the test writes.
#[derive(Debug)]
pub struct Wire {
    stream: BufReader<TcpStream>,
    /// Where replies come.
    inbox: String,
}

impl Wire {
    /// Logs in to `nats://host:port` with a user's seed.
    pub fn login(url: &str, seed: &str) -> anyhow::Result<Self> {
        let address = url.strip_prefix("nats://").unwrap_or(url);
        let address = address
            .split_once('@')
            .map_or(address, |(_, address)| address);
        let stream = TcpStream::connect(address)?;
        stream.set_read_timeout(Some(ANSWER_LIMIT))?;
        let mut wire = Self {
            stream: BufReader::new(stream),
            inbox: "_INBOX.wire".to_owned(),
        };
        let info = wire.line()?;
        let info: Value = serde_json::from_str(info.strip_prefix("INFO ").unwrap_or(&info))?;
        let nonce = info["nonce"].as_str().context("a server that wants keys")?;
        let key = KeyPair::from_seed(seed.trim())?;
        let signature = URL_SAFE_NO_PAD.encode(key.sign(nonce.as_bytes())?);
        let hello = json!({
            "verbose": false, "pedantic": false, "headers": true, "protocol": 1, "lang": "test",
            "version": "0", "nkey": key.public_key(), "sig": signature,
        });
        let refused = wire.refused(&format!("CONNECT {hello}\r\n"))?;
        match refused.first() {
            None => Ok(wire),
            Some(refused) => bail!("the server says {refused}"),
        }
    }

    /// The same with another subject for replies.
    #[must_use]
    pub fn inbox(mut self, subject: &str) -> Self {
        subject.clone_into(&mut self.inbox);
        self
    }

    /// Sends these lines, and returns the server's errors once it has processed all of them.
    pub fn refused(&mut self, lines: &str) -> anyhow::Result<Vec<String>> {
        write!(self.stream.get_mut(), "{lines}PING\r\n")?;
        let mut refused = Vec::new();
        loop {
            let line = match self.line() {
                Ok(line) => line,
                // The server sends the reason before it closes the connection.
                Err(_) if !refused.is_empty() => return Ok(refused),
                Err(error) => return Err(error),
            };
            match line.split_once(' ') {
                Some(("-ERR", error)) => refused.push(error.to_owned()),
                _ if line == "PONG" => return Ok(refused),
                _ => {}
            }
        }
    }

    /// Sends a request, and returns the response, which must be JSON.
    pub fn ask(&mut self, subject: &str, question: &str) -> anyhow::Result<Value> {
        let (inbox, length) = (&self.inbox, question.len());
        write!(
            self.stream.get_mut(),
            "SUB {inbox} 1\r\nUNSUB 1 1\r\nPUB {subject} {inbox} {length}\r\n{question}\r\n"
        )?;
        loop {
            let line = self.line()?;
            let mut words = line.split(' ');
            match words.next() {
                Some("MSG") => {
                    let size = words.next_back().context("a size")?.parse()?;
                    let mut payload = vec![0; size];
                    self.stream.read_exact(&mut payload)?;
                    return Ok(serde_json::from_slice(&payload)?);
                }
                Some("PING") => write!(self.stream.get_mut(), "PONG\r\n")?,
                Some("HMSG" | "-ERR") => bail!("{subject}: {line}"),
                _ => {}
            }
        }
    }

    fn line(&mut self) -> anyhow::Result<String> {
        let mut line = String::new();
        let length = self.stream.read_line(&mut line)?;
        if length == 0 {
            bail!("the server closed the connection");
        }
        Ok(line.trim_end().to_owned())
    }
}
