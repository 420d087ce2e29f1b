// Tries everything that one key may and may not do, with nats.js. See ../README.md.

import { createHash } from "node:crypto";
import { readFile } from "node:fs/promises";

import { jetstream, JetStreamApiError } from "@nats-io/jetstream";
import { Kvm } from "@nats-io/kv";
import { Objm } from "@nats-io/obj";
import {
  connect,
  headers,
  nkeyAuthenticator,
  NoRespondersError,
  PermissionViolationError,
} from "@nats-io/transport-node";

/** How long JetStream and the services may take to reply, in milliseconds. */
const PATIENCE = 10_000;
/** How long an operation may take: one that neither succeeds nor is refused would hang. */
const LIMIT = 30_000;

const plan = JSON.parse(process.argv[2]);
const seed = new TextEncoder().encode((await readFile(plan.seed, "utf8")).trim());
const connection = await connect({
  servers: plan.url,
  inboxPrefix: plan.inbox,
  authenticator: nkeyAuthenticator(seed),
});
const options = { timeout: PATIENCE, ...(plan.domain ? { domain: plan.domain } : {}) };
const client = jetstream(connection, options);
/** One that doesn't look at the account's limits first, which most keys may not see. */
const eager = jetstream(connection, { ...options, checkAPI: false });

/** The reason, if it is one that the server gave. */
function refusal(error) {
  const kinds = [PermissionViolationError, JetStreamApiError, NoRespondersError];
  for (let one = error; one; one = one.cause) {
    if (kinds.some((kind) => one instanceof kind)) return one.message;
  }
  return null;
}

/** Prints whether the operation succeeds; a refusal has a reason. */
async function attempt(operation, action) {
  let timer;
  const late = new Promise((_, reject) => {
    timer = setTimeout(() => reject(new Error(`no result after ${LIMIT} ms`)), LIMIT);
  });
  let result;
  try {
    result = { outcome: "done", words: String(await Promise.race([action(), late])) };
  } catch (error) {
    const reason = refusal(error);
    result = reason === null ? { outcome: "failed", words: String(error) } : { outcome: "refused", words: reason };
  }
  clearTimeout(timer);
  console.log(JSON.stringify({ operation, ...result }));
}

async function readRecord() {
  const bucket = await new Kvm(client).open("builds");
  return (await bucket.get(plan.build)).json().sha256;
}

async function readObject(name) {
  const store = await new Objm(client).open("artifacts");
  return createHash("sha256").update(await store.getBlob(name)).digest("hex");
}

async function listBuilds() {
  const reply = await connection.request("build.list", "{}", { timeout: PATIENCE });
  return reply.json().builds.map((build) => build.id);
}

/** The services that answer until there are two of them. */
async function ping() {
  const names = new Set();
  for await (const reply of await connection.requestMany("$SRV.PING", "", { maxWait: PATIENCE })) {
    names.add(reply.json().name);
    if (names.has("build") && names.has("catalog")) break;
  }
  return [...names].sort();
}

async function askForHostileReplies() {
  for (const [subject, reply] of plan.hostile) connection.publish(subject, "", { reply });
  await connection.flush();
  return "sent";
}

async function writeKey() {
  const bucket = await new Kvm(eager).open("builds");
  return bucket.put(plan.unused, "{}");
}

async function writeObject(name) {
  const store = await new Objm(eager).open("artifacts");
  return (await store.putBlob({ name }, new TextEncoder().encode("mine"))).size;
}

async function deleteObject() {
  const store = await new Objm(eager).open("artifacts");
  return (await store.delete(plan.object)).purged;
}

async function rollUp() {
  const all = headers();
  all.set("Nats-Rollup", "all");
  return (await client.publish(`$KV.builds.${plan.unused}`, "{}", { headers: all, timeout: PATIENCE })).seq;
}


await attempt("read a record", readRecord);
await attempt("read a binary", () => readObject(plan.object));
await attempt("read a binary by its build", () => readObject(plan.build));
await attempt("list builds", listBuilds);
await attempt("ping the services", ping);
await attempt("ask for hostile replies", askForHostileReplies);
await attempt("write a record", writeKey);
await attempt("write an object", () => writeObject("mine"));
await attempt("replace a binary", () => writeObject(plan.object));
await attempt("roll up", rollUp);
if (!plan.may_purge) {
  await attempt("delete a binary", deleteObject);
  await attempt("purge a stream", async () => (await eager.jetstreamManager()).streams.purge("KV_builds"));
  await attempt("delete a stream", async () => (await eager.jetstreamManager()).streams.delete("KV_gocache"));
}
await connection.close();
