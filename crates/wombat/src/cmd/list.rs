//! `wombat list`.

use reqwest::Method;
use wombat_model::wire::ListAnswer;

use crate::{
    client::{Server, ServerArgs, megabytes},
    output::{note, print, print_json},
};

/// List and search builds
#[derive(Clone, Debug, clap::Args)]
#[command(after_help = "\
Examples:
  wombat list
  wombat list 'status:failed goos:linux'
  wombat list 'component:nats_jetstream' --sort=-size --limit 10 --json")]
pub(crate) struct ListArgs {
    /// Words, or field:value with package, component, module, status, goos, goarch, go, builder or created
    query: Option<String>,
    /// Most builds to show
    #[arg(long, default_value_t = 20)]
    limit: u32,
    /// Order: created, finished, size or duration; with `-` in front, descending
    #[arg(long, default_value = "-created", allow_hyphen_values = true)]
    sort: String,
    /// Continue after an earlier page, with the cursor that it printed
    #[arg(long)]
    cursor: Option<String>,
    /// Print the answer as JSON
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    server: ServerArgs,
}

pub(crate) async fn run(args: ListArgs) -> anyhow::Result<()> {
    let server = Server::new(&args.server)?;
    let mut query = vec![("limit", args.limit.to_string()), ("sort", args.sort)];
    query.extend(args.query.map(|text| ("q", text)));
    query.extend(args.cursor.map(|cursor| ("cursor", cursor)));
    let page: ListAnswer = server
        .json(server.request(Method::GET, "/api/builds").query(&query))
        .await?;
    if args.json {
        print_json(&page)?;
        return Ok(());
    }
    for view in &page.builds {
        let build = &view.build;
        let packages: Vec<&str> = build
            .packages
            .iter()
            .filter(|package| !package.base)
            .map(|package| package.url.short_name())
            .collect();
        let size = build.size.map(megabytes).unwrap_or_default();
        print(&format!(
            "{:<9} {:>8}  {:<14} {:<8} {:<30} {}",
            build.status.as_str(),
            size,
            format!("{}/{}", build.goos, build.goarch),
            build.go_version.to_string(),
            packages.join(","),
            view.id
        ));
    }
    note(&format!("{} of {} builds", page.builds.len(), page.total));
    if let Some(cursor) = page.next_cursor {
        note(&format!("more: --cursor {cursor}"));
    }
    Ok(())
}
