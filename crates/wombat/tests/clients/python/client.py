"""Tries everything that one key may and may not do, with nats-py. See ../README.md."""

import asyncio
import hashlib
import json
import sys

import nats
from nats.errors import NoRespondersError
from nats.js.errors import APIError

# How long JetStream may take to reply; a refused request is never replied to.
PATIENCE = 10
# How long an operation may take: one that neither succeeds nor is refused would hang.
LIMIT = 30


class Client:
    """A connection, and what the server said of its permissions."""

    def __init__(self, plan):
        self.plan = plan
        self.violations = asyncio.Queue()

    async def connect(self):
        async def note(error):
            if "permissions violation" in str(error).lower():
                self.violations.put_nowait(str(error))

        self.connection = await nats.connect(
            self.plan["url"],
            nkeys_seed=self.plan["seed"],
            inbox_prefix=self.plan["inbox"].encode(),
            error_cb=note,
        )
        self.jetstream = self.connection.jetstream(domain=self.plan["domain"], timeout=PATIENCE)

    async def attempt(self, operation, action):
        """Prints whether the operation succeeds; a refusal has a reason."""
        task = asyncio.ensure_future(action())
        violation = asyncio.ensure_future(self.violations.get())
        await asyncio.wait(
            {task, violation}, timeout=LIMIT, return_when=asyncio.FIRST_COMPLETED
        )
        if violation.done():
            outcome, words = "refused", violation.result()
        elif not task.done():
            outcome, words = "failed", f"no result after {LIMIT} s"
        elif not task.exception():
            outcome, words = "done", str(task.result())
        elif isinstance(task.exception(), (APIError, NoRespondersError)):
            outcome, words = "refused", str(task.exception())
        else:
            outcome, words = "failed", repr(task.exception())
        for pending in (task, violation):
            pending.cancel()
        await asyncio.gather(task, violation, return_exceptions=True)
        # What the library did besides may have been refused, too.
        await self.connection.flush(timeout=PATIENCE)
        while not self.violations.empty():
            self.violations.get_nowait()
        print(json.dumps({"operation": operation, "outcome": outcome, "words": words}), flush=True)

    async def read_record(self):
        bucket = await self.jetstream.key_value("builds")
        record = json.loads((await bucket.get(self.plan["build"])).value)
        return record["sha256"]

    async def read_object(self, name):
        store = await self.jetstream.object_store("artifacts")
        return hashlib.sha256((await store.get(name)).data).hexdigest()

    async def list_builds(self):
        reply = await self.connection.request("build.list", b"{}", timeout=PATIENCE)
        return [build["id"] for build in json.loads(reply.data)["builds"]]

    async def ping(self):
        """The services that answer until there are two of them."""
        inbox = self.connection.new_inbox()
        replies = await self.connection.subscribe(inbox)
        await self.connection.publish("$SRV.PING", b"", reply=inbox)
        names = set()
        while names != {"build", "catalog"}:
            reply = await replies.next_msg(timeout=PATIENCE)
            if reply.headers and reply.headers.get("Status") == "503":
                raise NoRespondersError
            names.add(json.loads(reply.data)["name"])
        return sorted(names)

    async def ask_for_hostile_replies(self):
        for subject, reply in self.plan["hostile"]:
            await self.connection.publish(subject, b"", reply=reply)
        await self.connection.flush(timeout=PATIENCE)
        return "sent"

    async def write_key(self):
        bucket = await self.jetstream.key_value("builds")
        return await bucket.put(self.plan["unused"], b"{}")

    async def write_object(self):
        store = await self.jetstream.object_store("artifacts")
        return (await store.put("mine", b"mine")).size

    async def replace_object(self):
        store = await self.jetstream.object_store("artifacts")
        return (await store.put(self.plan["object"], b"mine")).size

    async def delete_object(self):
        store = await self.jetstream.object_store("artifacts")
        return await store.delete(self.plan["object"])

    async def roll_up(self):
        subject = f"$KV.builds.{self.plan['unused']}"
        headers = {"Nats-Rollup": "all"}
        return await self.jetstream.publish(subject, b"{}", timeout=PATIENCE, headers=headers)

    async def delete_stream(self):
        return await self.jetstream.delete_stream("KV_gocache")

    async def purge_stream(self):
        return await self.jetstream.purge_stream("KV_builds")


async def main():
    client = Client(json.loads(sys.argv[1]))
    await client.connect()
    plan = client.plan
    await client.attempt("read a record", client.read_record)
    await client.attempt("read a binary", lambda: client.read_object(plan["object"]))
    await client.attempt("read a binary by its build", lambda: client.read_object(plan["build"]))
    await client.attempt("list builds", client.list_builds)
    await client.attempt("ping the services", client.ping)
    await client.attempt("ask for hostile replies", client.ask_for_hostile_replies)
    await client.attempt("write a record", client.write_key)
    await client.attempt("write an object", client.write_object)
    await client.attempt("replace a binary", client.replace_object)
    await client.attempt("roll up", client.roll_up)
    if not plan["may_purge"]:
        # The library purges the bytes even if the entry stays.
        await client.attempt("delete a binary", client.delete_object)
        await client.attempt("purge a stream", client.purge_stream)
        await client.attempt("delete a stream", client.delete_stream)
    await client.connection.close()


asyncio.run(main())
