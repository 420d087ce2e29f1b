//! Which clients may cancel builds and force rebuilds.

use reqwest::{Method, StatusCode};
use tempfile::NamedTempFile;
use wombat_api::{Role, Secret, TokenEntry};
use wombat_testkit::{NatsServer, a_spec};

use crate::support::{Api, Options, header};

#[tokio::test]
async fn cancelling_and_forcing_need_an_operators_token() -> anyhow::Result<()> {
    let server = NatsServer::start()?;
    let (_connection, _store) = server.store().await?;
    let mut options = Options {
        // With a token file, clients on loopback need a token as well.
        open_control: true,
        ..Options::default()
    };
    let file = NamedTempFile::new()?;
    let [reader, operator] = [Role::Reader, Role::Operator].map(|role| (role, Secret::generate()));
    let mut lines = String::new();
    for (role, secret) in [&reader, &operator] {
        let entry = TokenEntry::new(role.name(), *role, secret)?;
        lines.extend([entry.to_string(), "\n".to_owned()]);
    }
    std::fs::write(file.path(), lines)?;
    options.args.tokens = Some(file.path().to_owned());
    let api = Api::with(&server.url(), options).await?;
    let version: serde_json::Value = api.get("/api/version").send().await?.json().await?;
    assert_eq!(version["cancelNeedsToken"], true);

    let build = format!("/api/builds/{}", a_spec().build().key());
    let forced = r#"{"goos":"linux","goarch":"amd64","components":["kafka"],"force":true}"#;
    let calls = [
        (Method::DELETE, build.as_str(), ""),
        (Method::POST, "/api/builds", forced),
    ];
    for (method, path, body) in calls {
        let call = || api.request(method.clone(), path).body(body);
        let answer = call().send().await?;
        assert_eq!(answer.status(), StatusCode::UNAUTHORIZED);
        assert_eq!(header(&answer, "www-authenticate"), "Bearer");
        let answer = call().bearer_auth("wrong").send().await?;
        assert_eq!(answer.status(), StatusCode::FORBIDDEN);
        let answer = call().bearer_auth(reader.1.reveal()).send().await?;
        assert_eq!(answer.status(), StatusCode::FORBIDDEN);
        let answer = call().bearer_auth(operator.1.reveal()).send().await?;
        assert_eq!(
            answer.status(),
            StatusCode::SERVICE_UNAVAILABLE,
            "it got as far as the service"
        );
    }
    let calm = forced.replace("true", "false");
    let answer = api
        .request(Method::POST, "/api/builds")
        .body(calm)
        .send()
        .await?;
    assert_eq!(answer.status(), StatusCode::SERVICE_UNAVAILABLE);
    Ok(())
}

#[tokio::test]
async fn without_a_token_nobody_may_unless_it_is_their_own_machine() -> anyhow::Result<()> {
    let server = NatsServer::start()?;
    let (_connection, _store) = server.store().await?;
    let build = format!("/api/builds/{}", a_spec().build().key());
    for (open_control, expected) in [
        (false, StatusCode::FORBIDDEN),
        (true, StatusCode::SERVICE_UNAVAILABLE),
    ] {
        let options = Options {
            open_control,
            ..Options::default()
        };
        let api = Api::with(&server.url(), options).await?;
        let answer = api.request(Method::DELETE, &build).send().await?;
        assert_eq!(answer.status(), expected);
        let version: serde_json::Value = api.get("/api/version").send().await?.json().await?;
        assert_eq!(version["cancelNeedsToken"], !open_control);
    }
    Ok(())
}
