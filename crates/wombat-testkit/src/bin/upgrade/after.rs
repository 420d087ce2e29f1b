//! What is checked after an upgrade.

use std::collections::BTreeMap;

use anyhow::ensure;
use wombat_store::roles::NatsRole;
use wombat_testkit::a_distinct_request;

use crate::{
    cli::{Documented, object_gets},
    clients::Clients,
    load::{self, OPEN_IMPORT},
    login::text,
    protocol::quote,
    setup,
    snapshot::Snapshot,
    streams::infos,
    system::System,
};

impl System<'_> {
    /// Everything that was there is there, open builds end, and new ones are built.
    pub(crate) async fn compared(
        &self,
        before: &Snapshot,
        clients: &Clients,
        open: &[String],
    ) -> anyhow::Result<()> {
        let protocol = self.protocol;
        for (n, site) in self.machines.sites.iter().enumerate() {
            let (n, counts) = (n + 1, before.counts());
            let words = format!("gateway {n}: everything is as it was: {counts}");
            protocol.compared(&before.compared(site).await?, words);
        }
        let site = &self.machines.sites[0];
        let failed = load::unsuccessful(site, clients).await?;
        let (all, open) = (clients.accepted().len(), open.len());
        let words = format!(
            "all {all} builds that were ever accepted have succeeded; {open} of them were open at the stop"
        );
        protocol.compared(&failed, words);
        self.known_again(before).await?;
        self.imported_again().await?;
        self.results().await?;
        self.examined().await
    }

    /// A request that version 0.1.0 took gives its build again.
    async fn known_again(&self, before: &Snapshot) -> anyhow::Result<()> {
        let mut request = a_distinct_request(0);
        request["template"] = 1.into();
        let (status, view) = self.machines.sites[0].ask(&request).await?;
        let mut builds = before.builds.iter();
        let known = builds.find(|known| view["id"] == known.id.as_str());
        let is_same = known.is_some_and(|known| known.differs(&view).is_empty());
        let problem = format!("the same build for the same request: {status} {view}");
        self.protocol.holds(&problem, is_same);
        Ok(())
    }

    /// The import that was open has failed, and works when it is requested again.
    async fn imported_again(&self) -> anyhow::Result<()> {
        let (site, go) = (&self.machines.sites[0], &self.machines.go);
        let import = load::import_of(site, OPEN_IMPORT).await?;
        let import = import.unwrap_or_default();
        let problem = format!("the open import fails: {import}");
        self.protocol.holds(&problem, import["status"] == "failed");
        self.protocol.step("the import that was open says:");
        quote(import["message"].as_str().unwrap_or(""));
        load::offer_module(go)?;
        load::request_import(site, OPEN_IMPORT).await?;
        load::until_imported(site, OPEN_IMPORT).await?;
        load::offer_no_module(go)?;
        self.protocol.step("it is requested again, and succeeds");
        Ok(())
    }

    /// How many messages each stream has now.
    async fn results(&self) -> anyhow::Result<()> {
        let infos = infos(&self.admin().await?).await?;
        let counts: BTreeMap<&str, &serde_json::Value> = infos
            .iter()
            .map(|(name, info)| (name.as_str(), &info["state"][0]))
            .collect();
        let has_copy = counts.keys().any(|name| name.ends_with("-upgrade"));
        self.protocol.holds("the copies are gone", !has_copy);
        let counts = counts
            .iter()
            .map(|(name, count)| format!("{count} in {name}"));
        let counts = counts.collect::<Vec<_>>().join(", ");
        self.protocol.step(format!("messages now: {counts}"));
        Ok(())
    }

    /// `wombat doctor` finds no fault of NATS or of the store.
    async fn examined(&self) -> anyhow::Result<()> {
        let mut words = ["doctor", "--nats-url", &self.machines.url]
            .map(str::to_owned)
            .to_vec();
        if let Some(file) = self.machines.login.seed_file(NatsRole::Admin) {
            words.extend(["--nats-user-seed-file".to_owned(), text(&file)?]);
        }
        let ended = setup::run(&self.tools.new, words).await?;
        ensure!(!ended.printed.is_empty(), "{}", ended.logged);
        self.protocol.step("`wombat doctor` says:");
        quote(&ended.printed);
        Ok(())
    }

    pub(crate) async fn object_gets(
        &self,
        before: &Snapshot,
        of: Documented,
    ) -> anyhow::Result<()> {
        let (login, url) = (&self.machines.login, self.nats.url());
        let (right, problems) = object_gets(login, &url, of, &before.builds).await?;
        self.protocol.wrong("nats object get", &problems);
        let words = format!("`nats object get` gives {right} binaries with their SHA-256 ({of:?})");
        self.protocol.step(words);
        Ok(())
    }
}
