//! Go, and where it fetches modules.

use wombat_go::{GoOptions, InstalledGo};

use super::finding::{Finding, Verdict};

pub(super) async fn findings(options: &GoOptions) -> Vec<Finding> {
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
