"""A job on several queues, whose workers are killed: complete, and nothing twice."""

from __future__ import annotations

import asyncio
import importlib
import inspect
import itertools
import json
import os
import random
import signal
import time
from collections import Counter
from contextlib import ExitStack, contextmanager, suppress
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, NamedTuple
from unittest.mock import patch

from endurance.files.jobs import variables_of
from endurance.pools import engines, job
from endurance.pools.engines import Engine
from endurance.run import Figures, Run, small
from endurance.versions import versions
from heymarket_async.sandbox import Readings, Sandbox

JOBS, KILLS, WORKERS = 100, 16, 2
ENDED_S = 500.0
"""All jobs are done by then, or one is lost."""
READINGS = Readings(local_id_dedupes="none")
"""A text that a job sends again is not hidden."""
ALWAYS = "POOL_KILLS"
"""The variable that chooses a kind, by its first word."""
WORKER, PROCESS, PARENT = "worker", "process of a job", "parent of the processes"


class Kill(NamedTuple):
    """The end of a process by SIGKILL.

    Attributes:
        at: By the clock that the notes have.
        kind: A worker with all of its processes; the process of a job; or the parent of those,
            whose jobs continue although the queue counts them as lost.
        pid: Of the process, or of the group.
    """

    at: float
    kind: str
    pid: int

    def has_ended(self, note: dict[str, Any]) -> bool:
        """Whether a delivery was in a process that it ended."""
        place = {WORKER: "group", PROCESS: "pid"}.get(self.kind)
        return place is not None and note[place] == self.pid


def work(engine: Engine, seed: int) -> Figures:
    """Queue jobs, kill workers until all of them are done, and look at what was done."""
    chance = random.Random(f"{engine.name} {seed}")
    jobs, kills = (6, 1) if small() else (JOBS, KILLS)
    with ExitStack() as stack:
        folder = Path(stack.enter_context(TemporaryDirectory(prefix="heymarket-pool-")))
        sandbox = stack.enter_context(
            Sandbox(contacts=60, seed=seed, limit=None, readings=READINGS)
        )
        served = stack.enter_context(contextmanager(engine.serve)(folder))
        variables = served.variables | {
            "POOL_FOLDER": str(folder),
            "FOLDER": str(folder / "exports"),
            **variables_of(sandbox),
        }
        stack.enter_context(patch.dict(os.environ, variables))
        _queue(engine, jobs)
        killed = _work_and_kill(engine, folder, chance, jobs, kills)
        notes = _notes(folder)
        if problems := _problems(sandbox, jobs):
            raise AssertionError("\n".join(problems))
    figures = _figures(engine, jobs, notes, killed)
    figures.versions |= served.versions
    return figures


def _queue(engine: Engine, jobs: int) -> None:
    queue = importlib.import_module(engine.module).queue
    now = datetime.now(UTC).isoformat().replace("+00:00", "Z")
    done = queue([(number, now) for number in range(jobs)])
    if inspect.isawaitable(done):
        asyncio.run(_awaited(done))


async def _awaited(awaitable: Any) -> None:
    await awaitable


def _work_and_kill(
    engine: Engine, folder: Path, chance: random.Random, jobs: int, kills: int
) -> list[Kill]:
    """Run workers, and kill them at random moments, until every job has ended."""
    killed: list[Kill] = []
    names = itertools.count()
    with ExitStack() as stack:

        def start() -> Any:
            name = [f"w{next(names)}@pool"] if engine.worker[-1] == "-n" else []
            log = folder / "workers.log"
            command = [*engine.worker, *name]
            return stack.enter_context(engines.process(command, os.environ, log))

        workers = [start() for _ in range(WORKERS)]
        until = time.monotonic() + ENDED_S
        while len(ended := _ended(notes := _notes(folder))) < jobs:
            if time.monotonic() > until:
                lost = sorted(set(range(jobs)) - ended)
                log = (folder / "workers.log").read_text(errors="replace")[-1000:]
                of_lost = [note for note in notes if note["job"] in lost]
                # The end of an error is what is kept.
                raise AssertionError(
                    f"{log}\nnot done after {ENDED_S:g} s: jobs {lost}; {of_lost}; {killed}"
                )
            time.sleep(chance.uniform(0.05, 0.3))
            # At first when some job has begun, and then after a part of the jobs each.
            if len(killed) < kills and len(ended) >= jobs * len(killed) // kills:
                busy = _running(notes, killed)
                if not busy:
                    continue
                time.sleep(chance.uniform(0, 0.3))
                chosen = chance.choice(busy)
                kind = _kind(chosen, chance)
                place = chosen["pid" if kind == PROCESS else "group"]
                with suppress(ProcessLookupError):
                    (os.killpg if kind == WORKER else os.kill)(place, signal.SIGKILL)
                killed.append(Kill(time.monotonic(), kind, place))
                if kind != PROCESS:
                    workers = [start() if each.pid == place else each for each in workers]
    return killed


def _kind(chosen: dict[str, Any], chance: random.Random) -> str:
    """Return what to kill of the worker that does a job."""
    if chosen["pid"] == chosen["group"]:
        return WORKER
    if always := os.environ.get(ALWAYS):
        return next(kind for kind in (WORKER, PROCESS, PARENT) if kind.split()[0] == always)
    # A test has no time for the others: a queue may notice them late.
    return PROCESS if small() else chance.choice([WORKER, WORKER, PROCESS, PARENT])


def _notes(folder: Path) -> list[dict[str, Any]]:
    with suppress(FileNotFoundError):
        return [json.loads(line) for line in (folder / "log").read_bytes().splitlines()]
    return []


def _ended(notes: list[dict[str, Any]]) -> set[int]:
    return {note["job"] for note in notes if note["event"] == "end"}


def _running(notes: list[dict[str, Any]], killed: list[Kill]) -> list[dict[str, Any]]:
    """Return the newest deliveries of jobs that are at work."""
    newest = {note["job"]: note for note in notes if note["event"] != "busy"}
    return [
        note
        for note in newest.values()
        if note["event"] == "start" and not any(kill.has_ended(note) for kill in killed)
    ]


def _problems(sandbox: Sandbox, jobs: int) -> list[str]:
    """Return what is missing or there twice."""
    wanted = [each.phone for number in range(jobs) for each in job.rows_of(number)]
    wanted += [job.contact_of(number).phone for number in range(jobs)]
    stored = Counter(contact["phone"] for contact in sandbox.store.contacts)
    problems = [f"{phone} is there {stored[phone]} times" for phone in wanted if stored[phone] != 1]
    problems += [f"{phone} is there twice" for phone, count in stored.items() if count > 1]
    sent = Counter((each.phone, each.text) for each in sandbox.outbox)
    texts = Counter((job.contact_of(number).phone, job.text_of(number)) for number in range(jobs))
    problems += [
        f"{text} was sent {sent[text]} times" for text in texts | sent if sent[text] != texts[text]
    ]
    for number in range(jobs):
        rows = [json.loads(line) for line in job.export_of(number).read_bytes().splitlines()]
        there = {each.phone for each in (*job.rows_of(number), job.contact_of(number))}
        there |= set(stored) - set(wanted)  # from the beginning
        if len({row["id"] for row in rows}) != len(rows) or not there <= {r["phone"] for r in rows}:
            problems.append(f"the export of job {number} is not whole")
    return problems


def _figures(engine: Engine, jobs: int, notes: list[dict[str, Any]], killed: list[Kill]) -> Figures:
    figures = Figures(units=jobs, versions=versions(*engine.packages))
    starts = [note for note in notes if note["event"] == "start"]
    ends = Counter(note["job"] for note in notes if note["event"] == "end")
    figures.total = {
        **{
            f"kills of a {kind}": sum(kill.kind == kind for kill in killed)
            for kind in (WORKER, PROCESS, PARENT)
        },
        "deliveries": len(starts),
        "deliveries of a job that was done": sum(count - 1 for count in ends.values()),
        "deliveries while the job was at work": sum(note["event"] == "busy" for note in notes),
        "jobs that a kill ended": 0,
    }
    for kill in killed:
        for lost in _lost(notes, kill):
            figures.total["jobs that a kill ended"] += 1
            again = min(
                (each["at"] for each in starts if each["job"] == lost and each["at"] > kill.at),
                default=None,
            )
            if again is not None:
                name = f"seconds from the kill of a {kill.kind} to the next delivery"
                seconds = round(again - kill.at, 2)
                figures.most[name] = max(seconds, figures.most.get(name, seconds))
                figures.least[name] = min(seconds, figures.least.get(name, seconds))
    return figures


def _lost(notes: list[dict[str, Any]], kill: Kill) -> list[int]:
    """Return the jobs that were at work in a process when it was killed."""
    newest: dict[int, dict[str, Any]] = {}
    for note in notes:
        if note["at"] < kill.at and note["event"] != "busy" and kill.has_ended(note):
            newest[note["job"]] = note
    return [number for number, note in newest.items() if note["event"] == "start"]


def _run(name: str, engine: Engine, killed: str, setting: str) -> Run:
    return Run(
        name=name,
        title=f"A worker pool on {engine.name}",
        unit="jobs",
        goal=500,
        holds="A job imports some rows, ensures a contact, sends a text, and exports the account."
        " Two workers have room for four jobs each. After every few jobs, SIGKILL ends"
        f" {killed}. Every job ends, and every contact and text is there once. The API does not"
        f" recognize a text that is sent again. {setting}",
        work=partial(work, engine),
        at_once=1,
    )


_PREFORK = "a whole worker, one of its four processes that do jobs, or their parent"
_LATE = "Celery's jobs have `acks_late` and `reject_on_worker_lost`."
_VISIBLE = "A `visibility_timeout` of 6 s is looked at every 10 s."
RUNS = [
    _run(
        "pool-taskiq",
        engines.TASKIQ,
        "a whole worker, its one process that does jobs, or the parent of that process",
        "The broker is that of `examples/worker_pool`.",
    ),
    _run("pool-celery-redis", engines.CELERY_ON_REDIS, _PREFORK, f"{_LATE} {_VISIBLE}"),
    _run("pool-celery-rabbitmq", engines.CELERY_ON_RABBITMQ, _PREFORK, _LATE),
    _run(
        "pool-temporal",
        engines.TEMPORAL,
        "a whole worker, which is one process",
        "The `heartbeat_timeout` of activities is 5 s.",
    ),
]
