//! A connection that fails when its client takes no bytes for some time.

use std::{
    io,
    pin::Pin,
    task::{Context, Poll},
    time::Duration,
};

use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    net::TcpStream,
    time::{Instant, Sleep, sleep},
};

/// A connection whose writes fail once none of their bytes was taken for a time.
pub(crate) struct StallGuard {
    stream: TcpStream,
    limit: Duration,
    /// Made at the first write that has to wait, and used again by later ones.
    timer: Option<Pin<Box<Sleep>>>,
    is_waiting: bool,
}

impl StallGuard {
    /// Guards a connection. `limit`: how long no byte may be taken; zero: for ever.
    pub(crate) fn new(stream: TcpStream, limit: Duration) -> Self {
        Self {
            stream,
            limit,
            timer: None,
            is_waiting: false,
        }
    }

    /// What a write gave; an error if none has given anything for too long.
    fn judge<T>(
        &mut self,
        context: &mut Context<'_>,
        written: Poll<io::Result<T>>,
    ) -> Poll<io::Result<T>> {
        if written.is_ready() {
            self.is_waiting = false;
            return written;
        }
        if self.limit.is_zero() {
            return Poll::Pending;
        }
        let timer = self
            .timer
            .get_or_insert_with(|| Box::pin(sleep(Duration::ZERO)));
        if !self.is_waiting {
            timer.as_mut().reset(Instant::now() + self.limit);
            self.is_waiting = true;
        }
        if timer.as_mut().poll(context).is_pending() {
            return Poll::Pending;
        }
        // Frees what the system holds for this client at once; without it, that is kept for minutes.
        let _closed_in_order = self.stream.set_zero_linger();
        let problem = "the client takes no bytes";
        Poll::Ready(Err(io::Error::new(io::ErrorKind::TimedOut, problem)))
    }
}

impl AsyncRead for StallGuard {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_read(context, buffer)
    }
}

impl AsyncWrite for StallGuard {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.stream).poll_write(context, bytes);
        self.judge(context, written)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        pieces: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.stream).poll_write_vectored(context, pieces);
        self.judge(context, written)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(context)
    }
}

#[cfg(test)]
mod tests {
    use tokio::{
        io::{AsyncReadExt, AsyncWriteExt},
        net::TcpListener,
    };

    use super::*;

    async fn pair(limit: Duration) -> (StallGuard, TcpStream) {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let client = TcpStream::connect(listener.local_addr().unwrap());
        let (accepted, client) = tokio::join!(listener.accept(), client);
        let (stream, _) = accepted.unwrap();
        (StallGuard::new(stream, limit), client.unwrap())
    }

    /// More than sockets hold.
    const MUCH: usize = 16 << 20;

    #[tokio::test]
    async fn a_client_that_reads_nothing_is_cut_and_a_slow_one_is_not() {
        let limit = Duration::from_millis(300);
        let (mut guard, _unread) = pair(limit).await;
        let begin = Instant::now();
        let error = guard.write_all(&vec![0; MUCH]).await.unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::TimedOut);
        assert!(begin.elapsed() >= limit);

        let (mut guard, mut slow) = pair(limit).await;
        let sending = tokio::spawn(async move { guard.write_all(&vec![0; MUCH]).await });
        let begin = Instant::now();
        let mut piece = vec![0; 1 << 20];
        for _ in 0..MUCH / piece.len() {
            // A client's own pace, not a wait for a condition.
            tokio::time::sleep(limit / 10).await;
            slow.read_exact(&mut piece).await.unwrap();
        }
        sending.await.unwrap().unwrap();
        assert!(begin.elapsed() > limit);
    }
}
