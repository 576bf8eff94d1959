"""The progress of a job: numbers that fit into a narrow terminal, and a time left that holds."""

from __future__ import annotations

import fcntl
import io
import os
import pty
import signal
import struct
import termios
import time

import msgspec
import pytest
from rich.console import Console

from heymarket_async.bulk import Progress
from heymarket_async.cli import job_progress, show
from heymarket_async.cli.job_progress import Meter
from heymarket_async.cli.time_left import seconds_left

START = Progress(
    done=0, total=60_000, requests=2, requests_lately=2, waiting="", stage="reading", budget=500
)
WAITING = msgspec.structs.replace(
    START,
    done=49_800,
    requests=500,
    requests_lately=500,
    waiting="the rate limit",
    lately_s=20.0,
    waiting_s=40.0,
)


class Clock:
    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.now = 1000.0
        monkeypatch.setattr(time, "monotonic", lambda: self.now)


@pytest.fixture
def clock(monkeypatch):
    return Clock(monkeypatch)


def later(progress: Progress, **changes: object) -> Progress:
    return msgspec.structs.replace(progress, **changes)


def meter_of(*given: tuple[float, Progress], clock: Clock) -> Meter:
    meter = Meter()
    for seconds, progress in given:
        clock.now += seconds
        meter.note(progress)
    return meter


def test_a_wait_is_counted_down_between_two_reports(clock):
    meter = meter_of((0, START), (10, later(WAITING, waiting="")), (0.5, WAITING), clock=clock)
    first = meter.line()
    clock.now += 6

    assert first == (
        "reading: 49,800 of 60,000, 42 s left, 500 of 500 requests/min; rate limit, 40 s"
    )
    assert meter.line() == (
        "reading: 49,800 of 60,000, 36 s left, 500 of 500 requests/min; rate limit, 34 s"
    )


def test_a_moment_between_two_requests_is_no_wait(clock):
    spaced = later(WAITING, requests_lately=10, lately_s=2.0, waiting_s=0.1)
    meter = meter_of((0, START), (10, later(spaced, waiting="")), (10, spaced), clock=clock)

    assert meter.line() == ("reading: 49,800 of 60,000, 20 s left, 2,490/s, 10 of 500 requests/min")


def test_the_numbers_stay_where_the_line_is_narrow(clock):
    meter = meter_of((0, START), (10, later(WAITING, waiting="")), (0.5, WAITING), clock=clock)

    assert meter.line(55) == "reading: 49,800 of 60,000, 42 s left; rate limit, 40 s"
    assert meter.line(20) == meter.line(55)


def test_the_time_left_is_counted_in_minutes_of_the_budget():
    # 498 requests brought 49,800: 100 each. 1,102 are left: two whole minutes, and 101 requests.
    now = later(WAITING, done=49_800, total=160_000)

    assert seconds_left(START, now, active_s=9.96) == pytest.approx(3 * 60 - 20 + 101 * 0.02)


@pytest.mark.parametrize(
    ("now", "active_s", "left_s"),
    [
        (later(START, total=None, done=5, requests=3), 1.0, None),
        (later(START, requests=3), 1.0, None),
        # A slow server: the budget does not matter.
        (later(START, done=100, total=200, requests=12, requests_lately=12), 50.0, 50.0),
        (later(START, done=100, total=10_100, requests=3, budget=None), 1.0, 100.0),
        # Nothing is sent any more: a file is written.
        (later(START, done=30_000), 4.0, 4.0),
        # A wait after an error is longer than the rest takes.
        (later(START, done=59_900, requests=602, waiting_s=30.0), 6.0, 30.0),
        # After a 429 requests are spaced: ten in two seconds, and 100 are left.
        (
            later(
                WAITING,
                done=50_000,
                requests=502,
                requests_lately=10,
                lately_s=2.0,
                waiting_s=0.1,
            ),
            1.0,
            pytest.approx(100 * 2.0 / 10),
        ),
        # The pause after a 429, and then 100 requests at the pace of the limit.
        (
            later(
                WAITING,
                done=50_000,
                requests=502,
                requests_lately=300,
                waiting="to try POST /v1/contacts again",
            ),
            1.0,
            pytest.approx(40.0 + 100 * 60 / 500),
        ),
        # Other processes use up four fifths of the budget: 200 requests are left at 100 a minute.
        (
            later(
                WAITING, done=50_000, total=70_000, requests=502, requests_lately=100, lately_s=59.5
            ),
            2.0,
            pytest.approx(2 * 60 - 59.5 + 99 * 2 / 500),
        ),
    ],
)
def test_the_time_left(now, active_s, left_s):
    assert seconds_left(START, now, active_s) == left_s


def test_another_stage_has_another_speed(clock):
    meter = meter_of(
        (0, START),
        (10, later(START, done=60_000, requests=600)),
        (1, later(START, stage="writing", requests=600)),
        (2, later(START, stage="writing", done=10_000, requests=600)),
        clock=clock,
    )

    assert meter.line().startswith("writing: 10,000 of 60,000, 10 s left, 5,000/s, ")


@pytest.mark.parametrize(
    ("changes", "line"),
    [
        (
            {"waiting": "to try POST /v1/contacts again", "waiting_s": 1.6},
            "; waits to try again, 2 s",
        ),
        ({"waiting": "all connections are in use"}, "; all connections are in use"),
        ({"budget": None}, ", 2 requests/min"),
        ({"is_estimated": True}, "reading: 0 of about 60,000, 2 of 500 requests/min"),
    ],
)
def test_the_words_of_a_line(changes, line, clock):
    assert meter_of((0, later(START, **changes)), clock=clock).line().endswith(line)


def test_nothing_is_known_before_the_first_report():
    assert Meter().line() == "starting"


@pytest.mark.parametrize(
    ("seconds", "shown"), [(0.6, "1 s"), (59.4, "59 s"), (130, "2:10"), (3730, "1:02:10")]
)
def test_a_time_is_shown_as_on_a_clock(seconds, shown):
    assert job_progress._clock(seconds) == shown


def test_a_line_gives_the_reason_for_waiting(capsys, monkeypatch):
    monkeypatch.setattr(job_progress, "_LINE_EVERY_S", 0.0)

    with job_progress.progress_of_job(quiet=False) as on_progress:
        on_progress(later(WAITING, total=None))

    assert capsys.readouterr().err == (
        "reading: 49,800, 500 of 500 requests/min; rate limit, 40 s\n"
    )


@pytest.mark.parametrize(
    ("width", "shown"),
    [
        (80, "reading: 49,800 of 60,000, 42 s left; rate limit, 40 s ━━━━━━━━━━━━━━━━━━━━"),
        (60, "reading: 49,800 of 60,000, 42 s left; rate limit, 40 s"),
        (40, "reading: 49,800 of 60,000, 42 s left; ra"),
    ],
)
def test_a_narrow_terminal_shows_the_numbers_and_not_the_bar(width, shown, clock, monkeypatch):
    console = Console(width=width, record=True, file=io.StringIO())
    monkeypatch.setattr(show, "err", console)
    meter = meter_of((0, START), (10, later(WAITING, waiting="")), (0.5, WAITING), clock=clock)

    console.print(job_progress._bar(meter))

    (line,) = console.export_text().splitlines()
    assert line.startswith(shown)
    assert len(line) <= width


def test_a_job_that_has_not_begun_says_so(clock, monkeypatch):
    console = Console(width=80, record=True, file=io.StringIO())
    monkeypatch.setattr(show, "err", console)

    console.print(job_progress._bar(Meter()))

    assert console.export_text().strip() == "starting"


def test_a_terminal_counts_down_to_the_next_run_and_shows_the_next_step(start, tmp_path):
    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 200, 0, 0))
    once = start("sync", tmp_path / "c.db", stderr=theirs)
    once.wait(timeout=60)
    export = start("contacts", "export", tmp_path / "c.csv", stderr=theirs)
    export.wait(timeout=60)
    process = start("sync", tmp_path / "c.db", "--every", "1h", stderr=theirs)
    os.close(theirs)
    shown = b""
    while b"next run in 59:5" not in shown and b"next run in 1:00:00" not in shown:
        shown += os.read(ours, 65536)
    process.send_signal(signal.SIGINT)

    assert process.wait(timeout=60) == 130
    os.close(ours)
    assert b"To read what changed, run the same command again, or add --every 5m." in shown
    assert b"To keep a file up to date, use heymarket sync contacts.db." in shown
