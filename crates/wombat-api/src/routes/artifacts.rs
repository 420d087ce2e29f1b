//! Downloads. The binary that the record names is served if it is the result of the build (see `publications`), never the
//! target of the link of the same name.

use std::sync::Arc;

use axum::{
    extract::{Path, State},
    response::{IntoResponse, Response},
};
use http::{HeaderMap, HeaderValue, StatusCode, header};
use serde_json::Value;
use tracing::warn;
use wombat_model::{
    Artifact, BuildHash, BuildKey, BuildSpec, BuildState, Distribution, GoVersion, Platform,
    ProblemCode, RefusalStatus, Template,
};

use super::{
    build_response::view,
    file::{describe_file, file_name, insert, not_modified, send, tag, unsatisfiable},
};
use crate::{
    ApiError,
    cache::Source,
    caller::Caller,
    live::Record,
    places::LongCall,
    range::{Selection, select},
    state::AppState,
    until_sent::keep_until_sent,
};

const NEVER: HeaderValue = HeaderValue::from_static("no-store");

/// What a path names.
enum DownloadTarget {
    Binary(BuildKey),
    Digest(BuildKey),
}

/// `GET /artifacts/{goos}/{goarch}/{go}/{hash}` and `….sha256`
pub(super) async fn download(
    State(state): State<AppState>,
    caller: Caller,
    Path(path): Path<(String, String, String, String)>,
    headers: HeaderMap,
) -> Result<Response, ApiError> {
    let key = match target(&path)? {
        DownloadTarget::Digest(key) => return digest(&state, &caller, &key).await,
        DownloadTarget::Binary(key) => key,
    };
    let mut record = seen_record(&state, &key).await?;
    // A record from before a rebuild names an object that may be removed: the newest record is read then.
    for last in [false, true] {
        let Some(artifact) = record.build.artifact() else {
            return without_artifact(&record, &caller);
        };
        state.blocked.refuse(&record.build, artifact).await?;
        let part = match select(&headers, &tag(artifact), artifact.size) {
            Selection::NotModified => return Ok(not_modified(&record.build, artifact)),
            Selection::PreconditionFailed => {
                return Err(ApiError::Bare(StatusCode::PRECONDITION_FAILED));
            }
            Selection::Unsatisfiable => return Ok(unsatisfiable(artifact)),
            Selection::Whole => None,
            Selection::Part(part) => Some(part),
        };
        let place = state.place(LongCall::Download, &caller, &headers).await?;
        if let Some(source) = source(&state, artifact).await? {
            let response = send(&record.build, artifact, source, part).await?;
            return Ok(keep_until_sent(response, place));
        }
        if !last {
            record = newest_record(&state, &key).await?;
        }
    }
    warn!(%key, "the object store has lost the binary of a record");
    Err(expired(&record, &caller))
}

/// `HEAD` of the same: fetches nothing from the object store.
pub(super) async fn describe(
    State(state): State<AppState>,
    caller: Caller,
    Path(path): Path<(String, String, String, String)>,
    headers: HeaderMap,
) -> Result<Response, ApiError> {
    let key = match target(&path)? {
        DownloadTarget::Digest(key) => return digest(&state, &caller, &key).await,
        DownloadTarget::Binary(key) => key,
    };
    let record = seen_record(&state, &key).await?;
    let Some(artifact) = record.build.artifact() else {
        return without_artifact(&record, &caller);
    };
    state.blocked.refuse(&record.build, artifact).await?;
    let mut headers = headers;
    headers.remove(header::RANGE);
    match select(&headers, &tag(artifact), artifact.size) {
        Selection::NotModified => return Ok(not_modified(&record.build, artifact)),
        Selection::PreconditionFailed => {
            return Err(ApiError::Bare(StatusCode::PRECONDITION_FAILED));
        }
        Selection::Whole | Selection::Part(_) | Selection::Unsatisfiable => {}
    }
    let mut response = StatusCode::OK.into_response();
    describe_file(response.headers_mut(), &record.build, artifact);
    response
        .headers_mut()
        .insert(header::CONTENT_LENGTH, HeaderValue::from(artifact.size));
    Ok(response)
}

fn target(
    (goos, goarch, go, hash): &(String, String, String, String),
) -> Result<DownloadTarget, ApiError> {
    let (hash, wants_digest) = match hash.strip_suffix(".sha256") {
        Some(hash) => (hash, true),
        None => (hash.as_str(), false),
    };
    let key = || -> Option<BuildKey> {
        let platform = Platform::new(goos.parse().ok()?, goarch.parse().ok()?).ok()?;
        let go: GoVersion = go.replace('_', ".").parse().ok()?;
        let hash: BuildHash = hash.parse().ok()?;
        Some(BuildKey::new(platform, go, &hash))
    };
    let key = key().ok_or_else(|| {
        ApiError::not_found(
            "Binaries are at /artifacts/{goos}/{goarch}/{go version}/{64 hex digits of the id}.",
        )
    })?;
    Ok(if wants_digest {
        DownloadTarget::Digest(key)
    } else {
        DownloadTarget::Binary(key)
    })
}

/// The record that this process saw last, if it names a binary; else the leader's. Its binary may be served.
pub(super) async fn seen_record(state: &AppState, key: &BuildKey) -> Result<Arc<Record>, ApiError> {
    match state.records.get(key) {
        Some(record) if record.build.artifact().is_some() => state.published.served(record).await,
        Some(_) | None => newest_record(state, key).await,
    }
}

/// The leader's record. Its binary may be served.
pub(super) async fn newest_record(
    state: &AppState,
    key: &BuildKey,
) -> Result<Arc<Record>, ApiError> {
    let record = state.builds.record(key).await?;
    state.published.served(record).await
}

/// The source of an artifact's bytes. `None`: its object is gone.
pub(super) async fn source(
    state: &AppState,
    artifact: &Artifact,
) -> Result<Option<Source>, ApiError> {
    if let Some(file) = state.cache.kept(artifact).await {
        return Ok(Some(Source::File(file)));
    }
    // Fails soon if NATS is unavailable; the fetch itself has no time limit.
    let looking = state.store.artifacts.find(artifact.name.as_str());
    if state.gateway.read(looking).await?.is_none() {
        return Ok(None);
    }
    state.cache.fetched(artifact).await
}

async fn digest(state: &AppState, caller: &Caller, key: &BuildKey) -> Result<Response, ApiError> {
    let record = seen_record(state, key).await?;
    let Some(artifact) = record.build.artifact() else {
        return without_artifact(&record, caller);
    };
    state.blocked.refuse(&record.build, artifact).await?;
    let text = format!("{}  {}\n", artifact.sha256, file_name(&record.build));
    let headers = [
        (header::CONTENT_TYPE, "text/plain; charset=utf-8"),
        // A forced rebuild may replace the binary.
        (header::CACHE_CONTROL, "no-cache"),
    ];
    Ok((headers, text).into_response())
}

pub(super) fn without_artifact(record: &Record, caller: &Caller) -> Result<Response, ApiError> {
    match record.build.state() {
        BuildState::New { .. } | BuildState::Building { .. } => {
            let build = record.view();
            let mut response = view(StatusCode::ACCEPTED, &build)?;
            let headers = response.headers_mut();
            headers.remove(header::ETAG);
            headers.insert(header::CACHE_CONTROL, NEVER);
            let location = caller.location(&format!("/api/builds/{}", build.id));
            insert(headers, header::LOCATION, &location);
            Ok(response)
        }
        BuildState::Failed { failure, .. } => Err(ApiError::refused(
            RefusalStatus::Conflict,
            ProblemCode::BuildFailed,
            format!(
                "The build failed ({}): {}",
                failure.class.as_str(),
                failure.message
            ),
        )),
        BuildState::Cancelled { .. } => Err(ApiError::refused(
            RefusalStatus::Conflict,
            ProblemCode::WrongState,
            "The build was cancelled; request it again to have it built.",
        )),
        BuildState::Success { .. } => Err(expired(record, caller)),
    }
}

/// Names every package and every version, so that it is the same build again.
pub(super) fn expired(record: &Record, caller: &Caller) -> ApiError {
    let body = same_again(record.build.spec());
    ApiError::refused(
        RefusalStatus::Gone,
        ProblemCode::Expired,
        format!(
            "The binary was removed. Request the build again: curl --data '{body}' {}",
            caller.shown_url("/api/builds")
        ),
    )
}

/// The request of exactly this build. It has the template only if that isn't the one of new requests.
fn same_again(spec: &BuildSpec) -> Value {
    let target = spec.target();
    let mut body = serde_json::json!({
        "goos": target.platform().goos(),
        "goarch": target.platform().goarch(),
        "variant": target.variant(),
        "goVersion": spec.go(),
        "packages": spec.packages().keys().collect::<Vec<_>>(),
        "modules": spec.modules(),
        "base": "pure",
    });
    let Distribution { name, version } = spec.distribution();
    if let Some(name) = name {
        body["name"] = name.as_str().into();
    }
    if let Some(version) = version {
        body["version"] = version.as_str().into();
    }
    if spec.template() != Template::NEWEST {
        body["template"] = serde_json::json!(spec.template());
    }
    body
}

#[cfg(test)]
mod tests {
    use wombat_model::request::BuildRequest;
    use wombat_testkit::a_spec;

    use super::*;

    /// What the message says would request this spec, apart from the catalog's choices.
    fn requested(spec: &BuildSpec) -> BuildRequest {
        BuildRequest::from_json(same_again(spec).to_string().as_bytes()).unwrap()
    }

    #[test]
    fn an_expired_build_is_requested_with_its_template_and_name() {
        let plain = a_spec().build();
        assert_eq!(same_again(&plain).get("template"), None);
        let first = plain.clone().with_template(Template::FIRST).unwrap();
        assert_eq!(requested(&first).template, Template::FIRST);
        let own = Distribution {
            name: Some("acme-connect".parse().unwrap()),
            version: Some("1.4.0".parse().unwrap()),
        };
        let spec = plain.with_distribution(own.clone()).unwrap();
        assert_eq!(requested(&spec).distribution, own);
    }
}
