//! How often the progress of a fetch of Go is told: in the log, and to the fleet.

use std::time::Duration;

use tokio::{
    sync::watch,
    time::{Instant, sleep_until, timeout},
};
use tracing::info;
use wombat_go::{FetchProgress, FetchStep};

/// Shortest time between two reports to the fleet.
const PAUSE: Duration = Duration::from_secs(1);
/// Shortest time between two lines of the log.
const LOG_PAUSE: Duration = Duration::from_secs(5);
/// Time after which an unchanged progress is reported again, since a presence expires.
const AGAIN: Duration = Duration::from_secs(30);

/// Reports the progress of a fetch.
#[derive(Debug, Default)]
pub(crate) struct FetchReport {
    told: Option<Instant>,
    logged: Option<(Instant, FetchStep)>,
}

impl FetchReport {
    /// The progress to tell the fleet next. Logs it from time to time, and whenever another step begins.
    pub(crate) async fn next(
        &mut self,
        progress: &mut watch::Receiver<Option<FetchProgress>>,
    ) -> FetchProgress {
        if let Some(told) = self.told {
            sleep_until(told + PAUSE).await;
        }
        loop {
            match timeout(AGAIN, progress.changed()).await {
                Ok(Ok(())) | Err(_) => {}
                // The fetch is over.
                Ok(Err(_)) => std::future::pending().await,
            }
            let now = *progress.borrow_and_update();
            if let Some(now) = now {
                self.told = Some(Instant::now());
                self.log(now);
                return now;
            }
        }
    }

    fn log(&mut self, progress: FetchProgress) {
        let is_due = self.logged.is_none_or(|(at, step)| {
            at.elapsed() >= LOG_PAUSE || !is_same_step(step, progress.step)
        });
        if is_due {
            info!("{progress}");
            self.logged = Some((Instant::now(), progress.step));
        }
    }
}

fn is_same_step(one: FetchStep, other: FetchStep) -> bool {
    std::mem::discriminant(&one) == std::mem::discriminant(&other)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn the_fleet_is_told_once_a_second_and_again_if_nothing_moves() {
        let (sender, mut receiver) = watch::channel(None);
        let mut report = FetchReport::default();
        let at = |done| {
            let all = Some(70_000_000);
            Some(FetchProgress {
                version: "1.26.11".parse().unwrap(),
                step: FetchStep::Fetching { done, all },
            })
        };
        sender.send_replace(at(0));
        let begun = Instant::now();
        assert_eq!(Some(report.next(&mut receiver).await), at(0));
        assert_eq!(begun.elapsed(), Duration::ZERO);
        sender.send_replace(at(1));
        sender.send_replace(at(2));
        assert_eq!(Some(report.next(&mut receiver).await), at(2));
        assert_eq!(begun.elapsed(), PAUSE);
        assert_eq!(Some(report.next(&mut receiver).await), at(2));
        assert_eq!(begun.elapsed(), 2 * PAUSE + AGAIN);
    }
}
