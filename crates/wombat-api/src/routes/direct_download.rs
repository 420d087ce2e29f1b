//! Direct download: one address that asks for a binary, waits until it is built, and redirects to it.
//!
//! A tool that gets the address wants the binary. A browser also gets addresses that its user never saw, such as that of
//! an image in a page: it is shown a page first (`download_page`), and only that page's button starts a build.

use axum::{
    extract::{Path, State},
    response::{IntoResponse, Response},
};
use http::{HeaderMap, HeaderValue, StatusCode, Uri, header};
use wombat_model::{Problem, ProblemCode, Refusal, RefusalStatus, Status, wire::BuildView};

use super::{
    builds::{DOWNLOAD_WAIT, Until, held, why_not},
    download_page,
    file::insert,
    wanted::{Wanted, again},
};
use crate::{
    ApiError, blocked::to_download, caller::Caller, gateway::written, places::LongCall,
    state::AppState, visitor::Visitor,
};

/// How often a tool is redirected here: curl gives up after 50 redirects.
const MOST_ROUNDS: u32 = 40;

/// `GET /dl/{goos}/{goarch}?components=nats,redis`
///
/// Redirects to the binary once it is built; while it isn't, back to itself. Starts nothing for a browser.
pub(super) async fn download(
    State(state): State<AppState>,
    caller: Caller,
    Path(platform): Path<(String, String)>,
    uri: Uri,
    headers: HeaderMap,
) -> Result<Response, ApiError> {
    match Visitor::of(&headers) {
        Visitor::Tool => {}
        Visitor::OwnScript => state.control.check_origin(&headers, &caller)?,
        Visitor::Reader => {
            let page = match Wanted::of(platform, &uri) {
                Ok(wanted) => download_page::show(&state, (&caller, &headers), &uri, &wanted).await,
                Err(error) => Err(error),
            };
            let page = page.unwrap_or_else(|error| download_page::refused(&caller, error));
            return Ok(page.into_response());
        }
        Visitor::Embedding => {
            return Err(ApiError::refused(
                RefusalStatus::Forbidden,
                ProblemCode::Forbidden,
                "A page may link to this address, but not embed it or load it early.",
            ));
        }
    }
    let wanted = Wanted::of(platform, &uri)?;
    let place = state.place(LongCall::Wait, &caller, &headers).await?;
    let build = requested(&state, &caller, &headers, &wanted).await?;
    let build = held(&state, place, build, DOWNLOAD_WAIT, Until::Finished).await?;
    match build.build.status {
        Status::Success => Ok(see(
            StatusCode::SEE_OTHER,
            &caller.location(&build.id.artifact_path()),
        )),
        Status::Failed | Status::Cancelled => Err(failed(&build).into()),
        Status::New | Status::Building if wanted.round < MOST_ROUNDS => {
            let location = caller.location(&again(&uri, wanted.round + 1));
            Ok(see(StatusCode::TEMPORARY_REDIRECT, &location))
        }
        Status::New | Status::Building => Err(ApiError::unavailable(format!(
            "The binary is still being built; /api/builds/{} shows the progress.",
            build.id
        ))),
    }
}

/// `POST /dl/{goos}/{goarch}?components=nats,redis`, as the button of the page does
///
/// Requests the build and redirects to the address, which then waits for it. Other websites can't send this.
pub(super) async fn start(
    State(state): State<AppState>,
    caller: Caller,
    Path(platform): Path<(String, String)>,
    uri: Uri,
    headers: HeaderMap,
) -> Result<Response, ApiError> {
    let started = match Wanted::of(platform, &uri) {
        Ok(wanted) => requested(&state, &caller, &headers, &wanted).await,
        Err(error) => Err(error),
    };
    match (started, Visitor::of(&headers)) {
        (Ok(_), _) => {
            let location = caller.location(&again(&uri, 1));
            Ok(see(StatusCode::SEE_OTHER, &location))
        }
        (Err(error), Visitor::Reader) => Ok(download_page::refused(&caller, error).into_response()),
        (Err(error), Visitor::Tool | Visitor::OwnScript | Visitor::Embedding) => Err(error),
    }
}

/// Requests the build; returns it as it is.
async fn requested(
    state: &AppState,
    caller: &Caller,
    headers: &HeaderMap,
    wanted: &Wanted,
) -> Result<BuildView, ApiError> {
    state.check_reader(headers, "request").await?;
    let body = written(&wanted.body)?;
    let asked = state.gateway.pass_on("build.request", body, caller.address);
    to_download(asked.await)
}

fn see(status: StatusCode, location: &str) -> Response {
    let mut response = status.into_response();
    let headers = response.headers_mut();
    insert(headers, header::LOCATION, location);
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}

fn failed(build: &BuildView) -> Refusal {
    let message = format!("{} (/api/builds/{} has the log.)", why_not(build), build.id);
    Refusal::new(
        RefusalStatus::Unprocessable,
        Problem::general(ProblemCode::BuildFailed, message),
    )
}
