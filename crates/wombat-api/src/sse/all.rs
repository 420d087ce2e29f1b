//! The events of all builds: records as levels, in the order of their changes.

use axum::response::sse::Event;

use super::{Client, Cursor, Gone};
use crate::state::AppState;

/// Records that are looked up at once.
const BATCH: usize = 64;

/// A client that looks at all builds.
pub(crate) struct AllSession {
    state: AppState,
    client: Client,
    cursor: Cursor,
}

impl AllSession {
    /// A session that goes on after `cursor`.
    pub(crate) fn new(state: AppState, client: Client, cursor: Cursor) -> Self {
        Self {
            state,
            client,
            cursor,
        }
    }

    /// Sends until the client is gone. `void`: what the client saw before is void.
    pub(crate) async fn run(mut self, void: bool) {
        let client = self.client.clone();
        tokio::select! {
            () = client.gone() => {}
            // Nobody is there to hear that nobody is there.
            _ = self.send_all(void) => {}
        }
    }

    async fn send_all(&mut self, void: bool) -> Result<(), Gone> {
        let mut ticks = self.state.records.ticks();
        let mut generation = ticks.borrow_and_update().generation;
        if void {
            self.send(Event::default().event("reset").data("{}"))
                .await?;
        } else {
            // An id without data: a client that is cut off before the first change can come back to here.
            self.send(Event::default()).await?;
        }
        loop {
            let tick = *ticks.borrow_and_update();
            if tick.generation != generation {
                generation = tick.generation;
                self.cursor.epoch = self.state.builds_epoch().await;
                self.cursor.revision = 0;
                self.send(Event::default().event("reset").data("{}"))
                    .await?;
            }
            if !self.state.records.has_all_after(self.cursor.revision) {
                // Too slow, or of a bucket that was full when it was first seen: the client has to look for itself.
                self.cursor.revision = tick.revision;
                self.send(Event::default().event("reset").data("{}"))
                    .await?;
            }
            let records = self.state.records.after(self.cursor.revision, BATCH);
            if records.is_empty() {
                if ticks.changed().await.is_err() {
                    return Ok(());
                }
                continue;
            }
            for record in records {
                self.cursor.revision = record.revision;
                let event = Event::default().event("build").data(record.json());
                self.send(event).await?;
            }
        }
    }

    async fn send(&self, event: Event) -> Result<(), Gone> {
        self.client.send(event.id(self.cursor.to_string())).await
    }
}
