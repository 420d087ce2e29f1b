//! Places for calls that hold their connection for long: event streams, waits, and downloads.
//!
//! Each client has so many, and all clients together so many that short calls always find a connection. A few more are for
//! clients with an operator's token, whatever address they come from.

use std::sync::Arc;

use http::HeaderMap;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use wombat_model::{Problem, ProblemCode, Refusal, RefusalStatus};

use crate::{
    ApiError,
    access::AccessControl,
    caller::Caller,
    capacity::{Capacity, RESERVED_PLACES},
    client_counts::{ClientCounts, Counted},
    limit_args::LimitArgs,
};

/// Seconds after which a refused call may be tried again.
const RETRY_AFTER: u64 = 5;

/// A call that holds its connection for long.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum LongCall {
    /// Server-sent events.
    Stream,
    /// A request that is answered when a build is finished or changes.
    Wait,
    /// A binary, or a part of it.
    Download,
}

impl LongCall {
    /// What is limited, the flag that limits it, and what the client can do.
    fn words(self) -> (&'static str, &'static str, &'static str) {
        match self {
            Self::Stream => (
                "event streams",
                "--client-streams",
                "close one, or follow all builds with the one stream `/api/events`",
            ),
            Self::Wait => (
                "waiting requests",
                "--client-waits",
                "ask without `wait`, or try again when one has ended",
            ),
            Self::Download => (
                "downloads",
                "--client-downloads",
                "try again when one has ended",
            ),
        }
    }
}

/// The places of a gateway.
#[derive(Debug)]
pub(crate) struct Places {
    streams: ClientCounts,
    waits: ClientCounts,
    downloads: ClientCounts,
    /// For all clients.
    shared: Arc<Semaphore>,
    most: usize,
    /// For operators' tokens.
    reserved: Arc<Semaphore>,
}

/// A place that is taken as long as this lives.
#[derive(Debug)]
pub(crate) struct Place {
    _permit: OwnedSemaphorePermit,
    _counted: Option<Counted>,
}

/// Why there is no place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum NoPlace {
    /// The client has the most of these.
    OfClient(LongCall, usize),
    /// All clients together have so many.
    OfAll(usize),
}

impl From<NoPlace> for ApiError {
    fn from(reason: NoPlace) -> Self {
        let message = match reason {
            NoPlace::OfClient(call, most) => {
                let (calls, flag, cure) = call.words();
                format!(
                    "Your address has {most} {calls} here already, which is the most of one client: {cure}. The operator can raise the limit with {flag}."
                )
            }
            NoPlace::OfAll(most) => format!(
                "This gateway serves {most} event streams, waiting requests and downloads already, which is its limit: try again later. The operator can raise the limit with --long-calls, and has places of its own with a token."
            ),
        };
        busy(message)
    }
}

/// A refusal for want of places or connections: 503 with the seconds after which another try may help.
pub(crate) fn busy(message: String) -> ApiError {
    ApiError::Refused(Refusal {
        status: RefusalStatus::Unavailable,
        problems: vec![Problem::general(ProblemCode::TooBusy, message)],
        retry_after: Some(RETRY_AFTER),
    })
}

impl Places {
    /// No place is taken yet.
    pub(crate) fn new(args: &LimitArgs, capacity: Capacity) -> Self {
        let counts = |most: u32| ClientCounts::up_to(usize::try_from(most).unwrap_or(usize::MAX));
        Self {
            streams: counts(args.client_streams),
            waits: counts(args.client_waits),
            downloads: counts(args.client_downloads),
            shared: Arc::new(Semaphore::new(capacity.long_calls)),
            most: capacity.long_calls,
            reserved: Arc::new(Semaphore::new(RESERVED_PLACES)),
        }
    }

    /// A place for a call. With an operator's token a reserved one, if there is no other.
    pub(crate) async fn take(
        &self,
        call: LongCall,
        caller: &Caller,
        control: &AccessControl,
        headers: &HeaderMap,
    ) -> Result<Place, ApiError> {
        let reason = match self.ordinary(call, caller) {
            Ok(place) => return Ok(place),
            Err(reason) => reason,
        };
        if control.is_operator(headers).await
            && let Ok(permit) = Arc::clone(&self.reserved).try_acquire_owned()
        {
            return Ok(Place {
                _permit: permit,
                _counted: None,
            });
        }
        Err(reason.into())
    }

    fn ordinary(&self, call: LongCall, caller: &Caller) -> Result<Place, NoPlace> {
        let counts = match call {
            LongCall::Stream => &self.streams,
            LongCall::Wait => &self.waits,
            LongCall::Download => &self.downloads,
        };
        let counted = match caller.limited {
            None => None,
            Some(client) => {
                let most = counts.most().unwrap_or_default();
                let counted = counts.admit(client);
                Some(counted.ok_or(NoPlace::OfClient(call, most))?)
            }
        };
        let permit = Arc::clone(&self.shared).try_acquire_owned();
        Ok(Place {
            _permit: permit.map_err(|_| NoPlace::OfAll(self.most))?,
            _counted: counted,
        })
    }
}
