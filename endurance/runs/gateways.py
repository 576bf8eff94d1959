"""Jobs and calls through real gateways, which are reloaded, killed and cut off meanwhile."""

from __future__ import annotations

import asyncio
import random
import shutil
import tempfile
from collections import Counter
from contextlib import AsyncExitStack, suppress
from pathlib import Path

import msgspec

from endurance.gateways import KINDS, Gateway, Ways
from endurance.run import Figures, Run, small
from endurance.versions import versions
from heymarket_async import ApiSecret, AttemptEvent, HeymarketClient, NotFoundError, RetryPolicy
from heymarket_async.bulk import JsonLines, export_contacts, import_contacts, send_messages
from heymarket_async.sandbox import Readings, Sandbox
from tests.bulk.importing.imports import new, outcomes_of, phone
from tests.bulk.sending.sends import row
from tests.stories.contact_worker import Worker
from tests.stories.through import Relay

WAYS = [
    Ways(),
    Ways(requests=3),
    Ways(requests=1),
    Ways(idle_s=0.05),
    Ways(gzip=True),
    Ways(old=True),
    Ways(resends=True),
]
FAULTS = ("reset", "reset_after", "cut", "503")
STUBBORN = RetryPolicy(attempts=40, base_s=0.001, cap_s=0.2)
MOST_RUNS = 10
"""So often a job is begun again until nothing of it is unknown."""


def work(seed: int) -> Figures:
    """Do the jobs through one kind of gateway, set in one way; the seed decides which."""
    return asyncio.run(_Piece(seed).run())


class _Caller(Worker):
    """A worker whose deletes a gateway may repeat.

    Attributes:
        found_nothing: How many deletes found nothing: nginx repeats them by default.
    """

    found_nothing = 0

    async def delete(self) -> None:
        try:
            await super().delete()
        except NotFoundError:
            self.found_nothing += 1


class _Piece:
    def __init__(self, seed: int) -> None:
        self.chance = random.Random(seed)
        self.kind: type[Gateway] = KINDS[seed % len(KINDS)]
        self.ways = WAYS[seed // len(KINDS) % len(WAYS)]
        self.events: Counter[str] = Counter()
        self.failed: Counter[str] = Counter()
        self.attempts = self.repeated = 0
        self.rows, self.contacts, self.calls = (20, 300, 20) if small() else (150, 3000, 150)

    async def run(self) -> Figures:
        self.kind.path()  # it raises before anything is begun
        folder = Path(tempfile.mkdtemp(prefix="gateways-"))
        # A gateway that repeats a POST does no harm only to an account that knows repeats.
        readings = Readings(
            local_id_dedupes="all" if self.ways.resends else "none",
            duplicate_phone="update" if self.ways.resends else "create",
            newest_first=self.chance.random() < 0.5,
        )
        seed = self.chance.randrange(1000)
        sandbox = Sandbox(self.contacts, seed=seed, ties=20, limit=None, readings=readings)
        try:
            async with AsyncExitStack() as stack:
                await stack.enter_async_context(sandbox)
                relay = await stack.enter_async_context(Relay(sandbox.url))
                servers = [relay.port] * (2 if self.ways.resends else 1)
                gateway = self.kind(servers, self.ways)
                stack.push_async_callback(asyncio.to_thread, gateway.close)
                await asyncio.to_thread(gateway.start)
                await self._through(gateway, relay, sandbox, folder)
        finally:
            shutil.rmtree(folder)
        return Figures(
            units=self.events.total(),
            total={
                "attempts": self.attempts,
                **{f"{event}s of the gateway": n for event, n in self.events.items()},
                **{f"attempts that ended with {end}": n for end, n in self.failed.items()},
                "deletes that the gateway repeated": self.repeated,
            },
            versions={**versions(), self.kind.kind: self.kind.version()},
        )

    async def _through(
        self, gateway: Gateway, relay: Relay, sandbox: Sandbox, folder: Path
    ) -> None:
        before = {each["id"] for each in sandbox.store.contacts}
        sandbox.faults.random(0.01, kinds=FAULTS, seed=self.chance.randrange(1000))
        trouble = asyncio.create_task(self._trouble(gateway, relay))
        try:
            client = self._client(gateway, sandbox)
            async with client:
                workers = [_Caller(client, 1000 + number) for number in range(3)]
                await asyncio.gather(
                    self._export(client, folder / "first.jsonl"),
                    self._import(client, folder / "imported"),
                    self._send(client, folder / "sent"),
                    *(worker.work(self.calls) for worker in workers),
                )
                first = _ids_in(folder / "first.jsonl")
                assert max(first.values()) == 1, "a contact was exported twice"
                assert before <= first.keys(), "a contact was not exported"
                await self._export(client, folder / "last.jsonl")
        finally:
            trouble.cancel()
            with suppress(asyncio.CancelledError):
                await trouble
        lines = (folder / "last.jsonl").read_bytes().splitlines()
        assert sorted(lines) == sorted(sandbox.store.lines()), "the export is not the account"
        self._check(sandbox, workers)
        self.repeated = sum(each.found_nothing for each in workers)

    def _client(self, gateway: Gateway, sandbox: Sandbox) -> HeymarketClient:
        def count(event: AttemptEvent) -> None:
            self.attempts += 1
            if event.error:
                self.failed[f"{type(event.error).__name__} {event.status or ''}".rstrip()] += 1

        return HeymarketClient(
            ApiSecret(*sandbox.credentials),
            base_url=f"http://127.0.0.1:{gateway.port}",
            retry=STUBBORN,
            rate_limit=None,
            on_attempt=count,
        )

    async def _trouble(self, gateway: Gateway, relay: Relay) -> None:
        """Reload the gateway, kill it and start it again, or cut it off, again and again."""
        while True:
            await asyncio.sleep(self.chance.uniform(0.05, 0.4))
            event = self.chance.choice(["reload", "reload", "kill", "cut", "cut"])
            if event == "reload":
                await asyncio.to_thread(gateway.reload)
            elif event == "kill":
                await asyncio.to_thread(gateway.kill)
                await asyncio.sleep(self.chance.uniform(0, 0.1))
                await asyncio.to_thread(gateway.start)
            else:
                await relay.cut(self.chance.choice([0, 0.05, 0.2]))
            self.events[event] += 1

    async def _export(self, client: HeymarketClient, path: Path) -> None:
        report = await export_contacts(client, JsonLines(path), concurrency=3, page_size=30)
        assert report.is_proved or path.name == "first.jsonl", report

    async def _import(self, client: HeymarketClient, path: Path) -> None:
        for _ in range(MOST_RUNS):
            await import_contacts(
                client, map(new, range(self.rows)), batch_size=10, outcomes=path, resume=True
            )
            if {line["outcome"] for line in outcomes_of(path).values()} == {"created"}:
                return
        raise AssertionError(Counter(line["outcome"] for line in outcomes_of(path).values()))

    async def _send(self, client: HeymarketClient, path: Path) -> None:
        rows = [row(number) for number in range(self.rows)]
        for _ in range(MOST_RUNS):
            await send_messages(
                client,
                rows,
                text="Hi {first}",
                inbox_id=301,
                creator_id=4201,
                wait_s=0.5,
                outcomes=path,
                resume=True,
            )
            if {line["outcome"] for line in outcomes_of(path).values()} == {"sent"}:
                return
        raise AssertionError(Counter(line["outcome"] for line in outcomes_of(path).values()))

    def _check(self, sandbox: Sandbox, workers: list[_Caller]) -> None:
        stored = Counter(each["phone"] for each in sandbox.store.contacts)
        made = {phone(number) for number in range(self.rows)}
        assert all(stored[each] == 1 for each in made), "the import lost or doubled a contact"
        texts = Counter(each.phone for each in sandbox.outbox)
        assert texts == Counter(made), "a text was lost or sent twice"
        created = {each for worker in workers for each in worker.created}
        unknown = {each for worker in workers for each in worker.unknown}
        ours = {each for each in stored if each.startswith("15100")}
        assert created <= ours, "a contact that was created is not there"
        assert ours - created <= unknown, "a contact is there that was not said to be"
        assert all(stored[each] == 1 for each in ours), "a contact was made twice"


def _ids_in(path: Path) -> Counter[int]:
    return Counter(msgspec.json.decode(line)["id"] for line in path.read_bytes().splitlines())


RUNS = [
    Run(
        name="gateways",
        title="Jobs through gateways that are reloaded, killed and cut off",
        unit="reloads, kills and cuts",
        goal=1000,
        holds="An export, an import, texts and single calls run at the same time through one"
        " gateway: nginx, Caddy, HAProxy or Envoy. The gateway is reloaded, killed and started"
        " again, and cut off from the API. The API itself resets connections, cuts answers, and"
        " answers 503. A seed chooses one setting of the gateway, or none. It closes the"
        " client's connections after each request or when they are idle, closes its own to the"
        " API, compresses, or repeats requests itself. nginx speaks HTTP/1.0 to the API where it"
        " closes connections to it. nginx and Envoy also close a client's connection after three"
        " requests. All speak HTTP/1.1 to the client, without TLS. The first export runs while"
        " calls make, change and delete contacts. It has every contact that was there before,"
        " and no contact twice. The second one, after those calls, equals the account. An"
        f" import, or a job that sends, is begun again at most {MOST_RUNS - 1} times, until no"
        " outcome is unknown. Then each row is imported once, and each person has one text. If a"
        " create raises, its contact is there once or not at all. Where the gateway repeats a"
        " POST, the API recognizes repeats.",
        work=work,
        limit_s=300,
    )
]
