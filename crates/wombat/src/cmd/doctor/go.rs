//! Go, and where it fetches modules.

use wombat_go::{GoOffer, GoOptions, InstalledGo, SettingsError};
use wombat_model::{GoVersion, catalog::GoReleases};

use super::finding::{Finding, Verdict};
use crate::{cmd::roles::go_offer, state_directory::StateArgs};

/// `learnt`: the Go releases that the builders of this system know of, besides those that come with the program.
pub(super) async fn findings(
    options: &GoOptions,
    state: &StateArgs,
    learnt: GoReleases,
) -> Vec<Finding> {
    let offer = go_offer().map(|mut offer| {
        offer.releases.add_all(&learnt);
        offer
    });
    let installed = async {
        let helper = std::env::current_exe()?;
        anyhow::Ok(options.installed(&helper).await?)
    };
    let mut findings = match installed.await {
        Ok(go) => {
            let known = offer.map_or(learnt, |offer| offer.releases);
            let found = format!("Go {}: {}", go.version, go.program.display());
            let outdated = outdated(go.version, &known, |newest| {
                format!(
                    "install Go {newest} (https://go.dev/dl), or remove this one, and builders fetch Go themselves"
                )
            });
            let found = (Verdict::Good, found);
            [found]
                .into_iter()
                .chain(outdated)
                .chain([modules(options, &go)])
                .collect()
        }
        Err(error) if matches!(error.downcast_ref(), Some(SettingsError::NoGo)) => {
            fetched(options, state, offer).await
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
async fn fetched(
    options: &GoOptions,
    state: &StateArgs,
    offer: anyhow::Result<GoOffer>,
) -> Vec<Finding> {
    let found = async {
        let offer = offer?;
        if let Some(version) = options.fetched_before(&state.folder()?, &offer).await {
            let found = format!("Go {version}, fetched by a builder");
            let outdated = outdated(version, &offer.releases, |newest| {
                format!(
                    "restart the builder with a module proxy in reach, and it fetches Go {newest}"
                )
            });
            let found = (Verdict::Good, found);
            return Ok([found].into_iter().chain(outdated).collect());
        }
        options.proxy_without_go()?;
        let version = offer.choice()?;
        anyhow::Ok(vec![(
            Verdict::Good,
            format!(
                "Go isn't installed: a builder fetches Go {version} (70 MB) from the module proxy when it first starts"
            ),
        )])
    };
    match found.await {
        Ok(findings) => findings,
        Err(error) => vec![(Verdict::Missing, format!("Go: {error:#}"))],
    }
}

/// A warning if a newer patch of this release is known. `cure` gets that patch.
fn outdated(
    version: GoVersion,
    known: &GoReleases,
    cure: impl FnOnce(GoVersion) -> String,
) -> Option<Finding> {
    let of_line = known
        .versions()
        .filter(|other| other.line() == version.line());
    let newest = of_line.max().filter(|newest| *newest > version)?;
    Some((
        Verdict::Note,
        format!(
            "Go {version} isn't the newest patch of Go {}, which is {newest}; patches fix security holes, also those of compilers: {}",
            version.line(),
            cure(newest)
        ),
    ))
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
    fn only_a_newer_patch_of_the_same_line_is_told() {
        let sum = "h1:8ka/oPBhq5O997fLqPbEZ2NBw2NDru/hSAG5lurObdE=";
        let mut known = GoReleases::default();
        for version in ["1.26.8", "1.26.11", "1.27.4"] {
            let platform = "linux/amd64".parse().unwrap();
            known.add(version.parse().unwrap(), platform, sum.parse().unwrap());
        }
        let told = |version: &str| {
            let cure = |newest| format!("install {newest}");
            outdated(version.parse().unwrap(), &known, cure).map(|(_, words)| words)
        };
        let words = told("1.26.9").unwrap();
        assert!(words.contains("Go 1.26.9") && words.ends_with("install 1.26.11"));
        for fine in ["1.26.11", "1.26.12", "1.27.4", "1.28.0", "1.25.1"] {
            assert_eq!(told(fine), None, "{fine}");
        }
    }

    #[test]
    fn an_experiment_is_told() {
        assert!(experiment(None).is_none());
        assert!(experiment(Some(String::new())).is_none());
        let (verdict, words) = experiment(Some("x".to_owned())).unwrap();
        assert!(verdict == Verdict::Note && words.contains("`x`"));
    }
}
