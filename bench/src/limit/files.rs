//! Plain static file servers.

use std::{
    fs::File,
    io::{Read as _, Write as _},
    net::{TcpListener, TcpStream},
    path::{Path, PathBuf},
};

use anyhow::{Context as _, ensure};
use axum::Router;
use tower_http::services::ServeDir;

use super::announce::announce;

/// The file server of the web framework.
pub(super) async fn run(folder: PathBuf) -> anyhow::Result<()> {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await?;
    announce(&listener.local_addr()?.to_string());
    let files = ServeDir::new(folder).with_buf_chunk_size(256 * 1024);
    axum::serve(listener, Router::new().fallback_service(files)).await?;
    Ok(())
}

/// The minimum that the system allows: a thread per connection, and bytes that never enter this process.
pub(super) fn run_sendfile(folder: &Path) -> anyhow::Result<()> {
    let listener = TcpListener::bind("127.0.0.1:0")?;
    announce(&listener.local_addr()?.to_string());
    loop {
        let (stream, _) = listener.accept()?;
        let folder = folder.to_owned();
        // A broken connection is the client's concern.
        std::thread::spawn(move || serve(stream, &folder));
    }
}

fn serve(mut stream: TcpStream, folder: &Path) -> anyhow::Result<()> {
    let mut buffer = vec![0; 16 * 1024];
    let mut length = 0;
    loop {
        let read = stream.read(&mut buffer[length..])?;
        ensure!(read > 0, "closed");
        length += read;
        let mut headers = [httparse::EMPTY_HEADER; 32];
        let mut request = httparse::Request::new(&mut headers);
        let httparse::Status::Complete(used) = request.parse(&buffer[..length])? else {
            continue;
        };
        let path = request.path.context("a request has a path")?;
        let file = File::open(folder.join(path.trim_start_matches('/')))?;
        let size = file.metadata()?.len();
        write!(stream, "HTTP/1.1 200 OK\r\nContent-Length: {size}\r\n\r\n")?;
        let mut offset = 0;
        while offset < size {
            let left = usize::try_from(size - offset)?;
            rustix::fs::sendfile(&stream, &file, Some(&mut offset), left)?;
        }
        buffer.copy_within(used..length, 0);
        length -= used;
    }
}
