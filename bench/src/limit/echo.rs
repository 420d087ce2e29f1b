//! The minimum of a NATS service: receives a request, and replies with fixed bytes.

use anyhow::bail;
use bytes::Bytes;
use futures::StreamExt as _;

use super::announce::announce;

/// Its subject.
pub(crate) const SUBJECT: &str = "limit.echo";

pub(super) async fn run(url: &str, bytes: usize) -> anyhow::Result<()> {
    let client = async_nats::connect(url).await?;
    let mut requests = client.queue_subscribe(SUBJECT, "limit".to_owned()).await?;
    client.flush().await?;
    announce(SUBJECT);
    let answer = Bytes::from(vec![b'x'; bytes]);
    while let Some(request) = requests.next().await {
        if let Some(reply) = request.reply {
            client.publish(reply, answer.clone()).await?;
        }
    }
    bail!("the connection ended")
}
