//! `wombat catalog go-releases`: the Go releases that the builders of a server can fetch.

use std::collections::BTreeSet;

use reqwest::Method;
use wombat_model::{GoLine, catalog::GoRelease, wire::GoReleasesAnswer};

use crate::{
    client::{Server, ServerArgs},
    output::{print, print_json},
};

const PATH: &str = "/api/catalog/go-releases";

/// Show the Go releases that builders can fetch
#[derive(Clone, Debug, clap::Args)]
#[command(after_help = "\
Builders look for new ones at the module proxy once a day (`wombat builder --go-releases-interval`). \
`wombat build --go` takes one of them that the modules allow.")]
pub(super) struct GoReleasesArgs {
    /// Print the releases as JSON, with their checksums
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    server: ServerArgs,
}

pub(super) async fn go_releases(args: GoReleasesArgs) -> anyhow::Result<()> {
    let server = Server::new(&args.server)?;
    let answer: GoReleasesAnswer = server.json(server.request(Method::GET, PATH)).await?;
    if args.json {
        print_json(&answer)?;
    } else {
        for line in lines(&answer) {
            print(&line);
        }
    }
    Ok(())
}

fn lines(answer: &GoReleasesAnswer) -> Vec<String> {
    let mut lines = BTreeSet::<GoLine>::new();
    let line = |release: &GoRelease| {
        let platforms: Vec<String> = release.sums.keys().map(ToString::to_string).collect();
        let newest = if lines.insert(release.version.line()) {
            format!("  newest of {}", release.version.line())
        } else {
            String::new()
        };
        let version = release.version.to_string();
        format!("{version:<8} {}{newest}", platforms.join(" "))
    };
    answer.releases.iter().map(line).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_newest_of_each_line_is_marked() {
        let answer: GoReleasesAnswer = serde_json::from_value(serde_json::json!({"releases": [
            {"version": "1.27.4", "sums": {
                "linux/amd64": "h1:8ka/oPBhq5O997fLqPbEZ2NBw2NDru/hSAG5lurObdE=",
                "linux/arm64": "h1:8ka/oPBhq5O997fLqPbEZ2NBw2NDru/hSAG5lurObdE=",
            }},
            {"version": "1.27.0", "sums": {}},
        ]}))
        .unwrap();
        assert_eq!(
            lines(&answer),
            [
                "1.27.4   linux/amd64 linux/arm64  newest of 1.27",
                "1.27.0   "
            ]
        );
    }
}
