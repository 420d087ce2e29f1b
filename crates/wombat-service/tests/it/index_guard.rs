//! Each build is listed once, across restarts and whatever is on the disk.

use std::{collections::BTreeSet, path::Path, time::Duration};

use async_nats::{Client, jetstream};
use serde_json::{Value, json};
use tantivy::{
    Index, IndexWriter, TantivyDocument, Term,
    tokenizer::{SimpleTokenizer, TextAnalyzer},
};
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;
use wombat_model::{BuildKey, Failure, FailureClass};
use wombat_store::{ClaimOutcome, Purged, Store, SubmitOptions};
use wombat_testkit::{NatsServer, a_spec, wait_until};

use crate::{
    list::{finish, ids, indexed, list, submit},
    support::{Instance, ask, one, unlimited},
};

const LIMIT: Duration = Duration::from_secs(20);

/// Identifies a build in the index.
fn short_id(key: &BuildKey) -> [u8; 16] {
    let hash = key.hash();
    u128::from_str_radix(&hash.as_str()[..32], 16)
        .unwrap()
        .to_be_bytes()
}

/// Changes the index of a stopped instance behind its back.
fn tamper(state: &Path, change: impl FnOnce(&IndexWriter, &dyn Fn(&BuildKey) -> Term)) {
    let index = Index::open_in_dir(state.join("index")).unwrap();
    for name in ["wombat_whole", "wombat_words"] {
        let tokenizer = TextAnalyzer::from(SimpleTokenizer::default());
        index.tokenizers().register(name, tokenizer);
    }
    let payload = index.load_metas().unwrap().payload.unwrap();
    let mut writer: IndexWriter = index.writer_with_num_threads(1, 15_000_000).unwrap();
    let id = index.schema().get_field("_id").unwrap();
    change(&writer, &|key| Term::from_field_bytes(id, &short_id(key)));
    let mut commit = writer.prepare_commit().unwrap();
    commit.set_payload(&payload);
    commit.commit().unwrap();
}

/// A document of a build with nothing but its id.
fn ghost(id: &Term) -> TantivyDocument {
    let mut document = TantivyDocument::default();
    document.add_bytes(id.field(), id.value().as_bytes().unwrap());
    document
}

#[tokio::test]
async fn an_index_with_a_document_too_many_or_too_few_is_made_anew_at_the_start()
-> anyhow::Result<()> {
    const COUNT: u64 = 6;
    let (server, client, store, instance) = one().await?;
    let mut keys = Vec::new();
    for n in 0..COUNT {
        keys.push(submit(&store, "linux/amd64", &format!("p{n}")).await?);
    }
    // A removed build, whose marker is counted among the keys.
    let removed = submit(&store, "linux/amd64", "removed").await?;
    finish(&store, &removed, None).await?;
    indexed(&client, COUNT + 1).await?;
    let purged = store.purge(&removed).await?;
    assert!(matches!(purged, Purged::Gone(_)), "{purged:?}");
    indexed(&client, COUNT).await?;
    let mut state = instance.stop().await?;
    let expected: BTreeSet<String> = keys.iter().map(ToString::to_string).collect();
    for damage in ["none", "listed twice", "removed but listed", "not listed"] {
        match damage {
            "listed twice" => tamper(state.path(), |writer, id| {
                writer.add_document(ghost(&id(&keys[1]))).unwrap();
            }),
            "removed but listed" => tamper(state.path(), |writer, id| {
                writer.add_document(ghost(&id(&removed))).unwrap();
            }),
            "not listed" => tamper(state.path(), |writer, id| {
                writer.delete_term(id(&keys[2]));
            }),
            _ => {}
        }
        let instance = Instance::start_in(&server, unlimited(), state).await?;
        // The first answer is right.
        let answer = wait_until("the list is there", LIMIT, async || {
            Ok(ask(&client, "build.list", &json!({"limit": 0})).await.ok())
        })
        .await?;
        assert_eq!(answer["total"], COUNT, "{damage}");
        let found = ids(&list(&client, &json!({})).await);
        let found: BTreeSet<String> = found.into_iter().collect();
        assert_eq!(found, expected, "{damage}");
        state = instance.stop().await?;
    }
    Ok(())
}

/// Forces builds and ends them at once, until it is stopped.
fn keep_changing(store: &Store, count: usize, stop: CancellationToken) -> JoinHandle<()> {
    let store = store.clone();
    tokio::spawn(async move {
        let (mut number, builder) = (0, "fox".parse().unwrap());
        // About as fast as a busy fleet, and likely to be interrupted between any two changes of a build.
        let pause = async || tokio::time::sleep(Duration::from_millis(10)).await;
        while !stop.is_cancelled() {
            number = (number + 7) % count;
            let spec = a_spec().package(&format!("p{number}")).build();
            let forced = SubmitOptions::forced();
            let asked = store.builds.submit(&spec, forced, &store.artifacts);
            let seen = asked.await.unwrap().into_record();
            pause().await;
            let claimed = store.builds.claim(seen, &builder);
            if let ClaimOutcome::Won(claim) = claimed.await.unwrap() {
                pause().await;
                let failure = Failure::new(FailureClass::Infra, "no proxy");
                store.builds.fail(*claim, failure).await.unwrap();
            }
            pause().await;
        }
    })
}

/// The ids of all builds on all pages, and how many there are.
async fn all(client: &Client) -> Option<(Vec<String>, Value)> {
    let question = json!({"limit": 200, "sort": "created"});
    let answer = ask(client, "build.list", &question).await.ok()?;
    assert!(answer["nextCursor"].is_null());
    Some((ids(&answer), answer["total"].clone()))
}

#[tokio::test(flavor = "multi_thread")]
async fn restarts_under_changes_list_nothing_twice() -> anyhow::Result<()> {
    const COUNT: usize = 190;
    let server = NatsServer::start()?;
    let (connection, store) = server.store().await?;
    let client = connection.client();
    for n in 0..COUNT {
        let spec = a_spec().package(&format!("p{n}")).build();
        let asked = store
            .builds
            .submit(&spec, SubmitOptions::default(), &store.artifacts);
        asked.await?;
    }
    let stop = CancellationToken::new();
    let changes = keep_changing(&store, COUNT, stop.clone());
    let mut state = tempfile::tempdir()?;
    for restart in 0..15 {
        let instance = Instance::start_in(&server, unlimited(), state).await?;
        let mut commits = BTreeSet::new();
        // Several commits per restart, so that there is something to merge.
        let (listed, total) = wait_until("changes are listed", LIMIT, async || {
            let newest = list_newest(client).await;
            commits.extend(newest);
            Ok(if commits.len() > 3 {
                all(client).await
            } else {
                None
            })
        })
        .await?;
        let unique: BTreeSet<&String> = listed.iter().collect();
        assert_eq!(
            (listed.len(), unique.len(), total),
            (COUNT, COUNT, json!(COUNT)),
            "restart {restart}"
        );
        state = instance.stop().await?;
    }
    stop.cancel();
    changes.await?;
    Ok(())
}

/// The revision of the build that finished last.
async fn list_newest(client: &Client) -> Option<u64> {
    let question = json!({"limit": 1, "sort": "-finished"});
    let answer = ask(client, "build.list", &question).await.ok()?;
    answer["builds"][0]["revision"].as_u64()
}

async fn hand_written(client: &Client, key: &str, value: &str) -> anyhow::Result<()> {
    let jetstream = jetstream::new(client.clone());
    let subject = format!("$KV.builds.{key}");
    jetstream
        .publish(subject, value.to_owned().into())
        .await?
        .await?;
    Ok(())
}

/// The stored record of a build.
async fn stored(client: &Client, key: &BuildKey) -> anyhow::Result<Value> {
    let stream = jetstream::new(client.clone())
        .get_stream("KV_builds")
        .await?;
    let subject = format!("$KV.builds.{key}");
    let message = stream.get_last_raw_message_by_subject(&subject).await?;
    Ok(serde_json::from_slice(&message.payload)?)
}

#[tokio::test]
async fn records_that_cant_be_read_are_left_out_of_lists() -> anyhow::Result<()> {
    let (server, client, store, instance) = one().await?;
    let mut keys = Vec::new();
    for n in 0..5 {
        keys.push(submit(&store, "linux/amd64", &format!("p{n}")).await?);
    }
    indexed(&client, 5).await?;

    let whole = stored(&client, &keys[1]).await?.to_string();
    hand_written(&client, keys[0].as_str(), "junk").await?;
    hand_written(&client, keys[1].as_str(), &whole[..whole.len() / 2]).await?;
    let mut future = stored(&client, &keys[2]).await?;
    future["status"] = json!("dreaming");
    hand_written(&client, keys[2].as_str(), &future.to_string()).await?;
    // A copy under another key isn't taken for the original.
    let copy = stored(&client, &keys[3]).await?;
    let other = a_spec().package("other").build().key();
    hand_written(&client, other.as_str(), &copy.to_string()).await?;
    hand_written(&client, "build.junk", "{}").await?;
    let revision = store.builds.get(&keys[3]).await?.unwrap().revision.get();
    let last = submit(&store, "linux/amd64", "last").await?;

    let expected: BTreeSet<String> = [&keys[3], &keys[4], &last]
        .map(ToString::to_string)
        .into_iter()
        .collect();
    let agrees = async || {
        let answer = ask(&client, "build.list", &json!({})).await;
        let listed = answer.ok().filter(|answer| {
            ids(answer).into_iter().collect::<BTreeSet<_>>() == expected && answer["total"] == 3
        });
        Ok(listed)
    };
    let answer = wait_until("what can be read is listed", LIMIT, agrees).await?;
    let builds = answer["builds"].as_array().unwrap();
    let original = builds.iter().find(|build| build["id"] == keys[3].as_str());
    assert_eq!(original.unwrap()["revision"], revision);

    // Unreadable records are counted as such: the index goes on, and a rebuilt one is the same.
    let mut state = instance.stop().await?;
    for folder in ["kept", "deleted"] {
        if folder == "deleted" {
            std::fs::remove_dir_all(state.path().join("index"))?;
        }
        let instance = Instance::start_in(&server, unlimited(), state).await?;
        wait_until(folder, LIMIT, agrees).await?;
        state = instance.stop().await?;
    }
    let instance = Instance::start_in(&server, unlimited(), state).await?;
    hand_written(&client, keys[1].as_str(), &whole).await?;
    indexed(&client, 4).await?;
    let answer = list(&client, &json!({})).await;
    assert!(ids(&answer).contains(&keys[1].to_string()));
    instance.stop().await?;
    Ok(())
}
