//! The page that a browser gets at the address of a direct download: what would be built, and one button that starts it.
//! Afterwards the same address follows the build, and downloads the binary. It needs no script.

use http::{HeaderMap, StatusCode, Uri};
use wombat_model::{
    Status,
    request::RequestBody,
    wire::{BuildView, ResolveAnswer},
};

use super::{
    builds::{DOWNLOAD_WAIT, Until, held, why_not},
    wanted::{Wanted, again},
};
use crate::{
    ApiError,
    caller::Caller,
    gateway::{parsed, written},
    html::{Page, Text},
    places::LongCall,
    state::AppState,
};

mod words;

use words::{facts, names, notes, progress, site_query, size};

/// From this round on, an answer waits for the build: the page before it tells that the build has begun.
const WAITING_ROUND: u32 = 2;
/// Seconds after which a page about a build that isn't finished is loaded again.
const PAUSE: u64 = 1;

/// The page for a person who opens the address. Starts nothing.
pub(super) async fn show(
    state: &AppState,
    (caller, headers): (&Caller, &HeaderMap),
    uri: &Uri,
    wanted: &Wanted,
) -> Result<Page, ApiError> {
    let body = written(&wanted.body)?;
    let answer = state.gateway.pass_on("build.resolve", body, None);
    let answer: ResolveAnswer = parsed(&answer.await?)?;
    // Without a round, the button wasn't pressed.
    if wanted.round == 0 || answer.status.is_none() {
        return Ok(question(state, caller, uri, &wanted.body, &answer));
    }
    let mut build = state.builds.view(&answer.id).await?;
    if wanted.round >= WAITING_ROUND {
        let place = state.place(LongCall::Wait, caller, headers).await?;
        build = held(state, place, build, DOWNLOAD_WAIT, Until::Finished).await?;
    }
    Ok(match build.build.status {
        Status::New | Status::Building => waiting(caller, uri, &build),
        Status::Success if !build.build.expired => done(caller, &build),
        Status::Success => question(state, caller, uri, &wanted.body, &answer),
        Status::Failed | Status::Cancelled => failed(caller, &wanted.body, &build),
    })
}

/// The page for a call that was refused.
pub(super) fn refused(caller: &Caller, error: ApiError) -> Page {
    let site = format!(
        "<p><a href=\"{}\">Make a selection on the site</a></p>\n",
        Text(caller.location("/"))
    );
    Page::of_error(error, "This can't be built", &icon(caller), &site)
}

fn icon(caller: &Caller) -> String {
    caller.location("/favicon.svg")
}

/// What would be built, and the button.
fn question(
    state: &AppState,
    caller: &Caller,
    uri: &Uri,
    wanted: &RequestBody,
    answer: &ResolveAnswer,
) -> Page {
    let is_built = answer.status == Some(Status::Success);
    let (title, label) = if is_built {
        ("Download a binary", "Download")
    } else {
        ("Build a binary", "Build and download")
    };
    let lead = format!(
        "<p>A program for {}/{} with {}.{}</p>\n",
        answer.goos,
        answer.goarch,
        names(wanted),
        if is_built {
            ""
        } else {
            " Nothing has been started yet."
        }
    );
    // A form can't send a token.
    let button = if state.require_token {
        "<p>This service builds only for clients with a token: enter yours on the site, or add \
         <code>-H 'Authorization: Bearer …'</code> to the command.</p>\n"
            .to_owned()
    } else {
        format!("<form method=\"post\">\n<button type=\"submit\">{label}</button>\n</form>\n")
    };
    let content = [
        lead,
        facts(wanted, answer),
        button,
        notes(answer),
        command(caller, uri),
        change(caller, wanted),
    ];
    Page::new(StatusCode::OK, title, &icon(caller), &content.concat())
}

/// The same without a browser. The round isn't part of what is wanted.
fn command(caller: &Caller, uri: &Uri) -> String {
    let kept = again(uri, 0);
    let kept = kept.strip_suffix("round=0").unwrap_or(&kept);
    let kept = kept.trim_end_matches(['?', '&']);
    // The only character of an address that ends a text in quotes.
    let url = caller.shown_url(kept).replace('\'', "%27");
    format!(
        "<p class=\"soft\">The same in a terminal:</p>\n<pre tabindex=\"0\"><code>curl -fOJL '{}'</code></pre>\n",
        Text(url)
    )
}

fn change(caller: &Caller, wanted: &RequestBody) -> String {
    let site = caller.location(&format!("/?{}", site_query(wanted)));
    format!(
        "<p><a href=\"{}\">Change this selection on the site</a></p>\n",
        Text(site)
    )
}

/// The build has begun; the address is loaded again until it is finished.
fn waiting(caller: &Caller, uri: &Uri, build: &BuildView) -> Page {
    let content = format!(
        "<p role=\"status\">{}</p>\n<p>The download starts by itself when the binary is built. You may also close this page and come back to its address.</p>\n<p><a href=\"{}\">Follow the build on the site</a></p>\n",
        Text(progress(build)),
        Text(build_page(caller, build)),
    );
    let next = caller.location(&again(uri, WAITING_ROUND));
    Page::new(
        StatusCode::OK,
        "Your binary is being built",
        &icon(caller),
        &content,
    )
    .followed_by(&next, PAUSE)
}

/// The binary is there, and the browser downloads it.
fn done(caller: &Caller, build: &BuildView) -> Page {
    let binary = caller.location(&build.id.artifact_path());
    let bytes = build.build.size.map(|bytes| format!(" ({})", size(bytes)));
    let digest = build.build.sha256.as_ref();
    let digest =
        digest.map(|digest| format!("<p class=\"soft\">SHA-256: <code>{digest}</code></p>\n"));
    let content = format!(
        "<p role=\"status\">The download starts by itself. If it doesn't: <a href=\"{}\" download>download the binary</a>{}</p>\n{}<p><a href=\"{}\">This build on the site</a></p>\n",
        Text(&binary),
        bytes.unwrap_or_default(),
        digest.unwrap_or_default(),
        Text(build_page(caller, build)),
    );
    Page::new(
        StatusCode::OK,
        "Your binary is ready",
        &icon(caller),
        &content,
    )
    .followed_by(&binary, 0)
}

fn failed(caller: &Caller, wanted: &RequestBody, build: &BuildView) -> Page {
    let content = format!(
        "<p>{}</p>\n<p><a href=\"{}\">Its log on the site</a></p>\n{}",
        Text(why_not(build)),
        Text(build_page(caller, build)),
        change(caller, wanted),
    );
    Page::new(
        StatusCode::UNPROCESSABLE_ENTITY,
        "The build failed",
        &icon(caller),
        &content,
    )
}

/// The page of a build on the site.
fn build_page(caller: &Caller, build: &BuildView) -> String {
    caller.location(&format!("/b/{}", build.id))
}
