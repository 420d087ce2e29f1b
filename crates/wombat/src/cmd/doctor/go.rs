//! Go, and where it fetches modules.

use wombat_go::{GoOptions, InstalledGo, SettingsError};

use super::finding::{Finding, Verdict};
use crate::{cmd::roles::go_offer, state_directory::StateArgs};

pub(super) async fn findings(options: &GoOptions, state: &StateArgs) -> Vec<Finding> {
    let installed = async {
        let helper = std::env::current_exe()?;
        anyhow::Ok(options.installed(&helper).await?)
    };
    let mut findings = match installed.await {
        Ok(go) => vec![
            (
                Verdict::Good,
                format!("Go {}: {}", go.version, go.program.display()),
            ),
            modules(options, &go),
        ],
        Err(error) if matches!(error.downcast_ref(), Some(SettingsError::NoGo)) => {
            vec![fetched(options, state).await]
        }
        Err(error) => vec![
            (Verdict::Missing, format!("Go: {error}")),
            (
                Verdict::Note,
                "modules: can't be checked without Go".to_owned(),
            ),
        ],
    };
    findings.extend(experiment(std::env::var("GOEXPERIMENT").ok()));
    findings
}

/// What a builder does without an installed Go.
async fn fetched(options: &GoOptions, state: &StateArgs) -> Finding {
    let found = async {
        let offer = go_offer()?;
        if let Some(version) = options.fetched_before(&state.folder()?, &offer).await {
            return Ok(format!("Go {version}, fetched by a builder"));
        }
        options.proxy_without_go()?;
        let version = offer.choice()?;
        anyhow::Ok(format!(
            "Go isn't installed: a builder fetches Go {version} (70 MB) from the module proxy when it first starts"
        ))
    };
    match found.await {
        Ok(words) => (Verdict::Good, words),
        Err(error) => (Verdict::Missing, format!("Go: {error:#}")),
    }
}

fn modules(options: &GoOptions, go: &InstalledGo) -> Finding {
    let proxy = options.goproxy.as_deref().unwrap_or(go.goproxy());
    if options.relay.offline {
        (
            Verdict::Good,
            "modules: nothing is fetched (offline)".to_owned(),
        )
    } else if proxy.is_empty() || proxy.starts_with("off") || proxy.starts_with("direct") {
        (
            Verdict::Missing,
            format!(
                "modules: GOPROXY is `{proxy}`, and builders fetch from a module proxy only; set WOMBAT_GOPROXY"
            ),
        )
    } else {
        (
            Verdict::Good,
            "modules: a module proxy is configured".to_owned(),
        )
    }
}

/// It changes what Go compiles, so builders unset it; a `go build` by hand then gives another binary.
fn experiment(set: Option<String>) -> Option<Finding> {
    let set = set.filter(|set| !set.is_empty())?;
    Some((
        Verdict::Note,
        format!(
            "GOEXPERIMENT is `{set}`: builders compile without it, so a `go build` by hand gives another binary, or fails if Go doesn't know it; unset it"
        ),
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_experiment_is_told() {
        assert!(experiment(None).is_none());
        assert!(experiment(Some(String::new())).is_none());
        let (verdict, words) = experiment(Some("x".to_owned())).unwrap();
        assert!(verdict == Verdict::Note && words.contains("`x`"));
    }
}
