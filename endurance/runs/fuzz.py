"""Mutated files, texts and command lines: a clear error, and no crash, hang or flood of memory."""

from __future__ import annotations

import random
import resource
import signal
import time
import traceback
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

from endurance.exporting import peak_mb
from endurance.fuzzing.command import command
from endurance.fuzzing.mutate import Mutator
from endurance.fuzzing.targets import Target, packed_text, targets
from endurance.run import Figures, Run, small
from endurance.versions import versions

SECONDS = 10
"""CPU seconds for each reader in one piece."""
LONGEST_S = 10
"""CPU seconds after which a content counts as one that hangs."""
LONGEST = 64 << 10
"""Bytes of a content: a reader that needs much time or memory for so few has no bound."""
SHOWN = 2000
"""The most characters of a content in an error."""


class HangError(BaseException):
    """A content takes too long. It is not an Exception, so that no reader handles it."""


def work(seed: int) -> Figures:
    """Read mutated contents with each reader for some CPU seconds."""
    figures, failures = Figures(units=SECONDS), []
    with targets() as readers, command() as commands, _watched():
        for target in [*readers, commands]:
            with _limited(target.memory):
                failures += _fuzz(target, seed, figures)
    figures.most["peak memory of the process, MB"] = peak_mb()
    figures.versions = versions("msgspec", "python-calamine", "phonenumbers", "typer")
    if failures:
        raise AssertionError("\n".join(failures))
    return figures


def _fuzz(target: Target, seed: int, figures: Figures) -> list[str]:
    """Fuzz one reader, and return its failures: the shortest content for each kind of error."""
    chance = random.Random(f"{target.name} {seed}")
    mutator = Mutator(chance, target.seeds, LONGEST // 16 if small() else LONGEST)
    failures: dict[str, tuple[bytes, str]] = {}
    if small() or seed == 0:
        _check_seeds(target)
    inputs = refused = 0
    longest_s, ends = 0.0, time.process_time() + (0.05 if small() else SECONDS)
    while (began := time.process_time()) < ends:
        content = mutator.next()
        inputs += 1
        left_s, problem = 0.0, None
        signal.setitimer(signal.ITIMER_PROF, LONGEST_S)
        try:
            try:
                target.read(content)
            finally:
                left_s, _ = signal.setitimer(signal.ITIMER_PROF, 0)
        except BaseException as error:  # it is judged
            if isinstance(error, KeyboardInterrupt):
                raise
            problem = _problem(error, target)
            refused += problem is None
        if not left_s and problem is None:  # a callback, such as a finalizer, has ignored the error
            problem = f"not done after {LONGEST_S} CPU seconds"
        if problem and (problem not in failures or len(content) < len(failures[problem][0])):
            shown = packed_text(content)[:SHOWN]
            failures[problem] = (content, f"{target.name}, {problem}\n{shown}")
        longest_s = max(longest_s, time.process_time() - began)
    figures.total[f"{target.name}: contents"] = inputs
    figures.total[f"{target.name}: refused"] = refused
    figures.most["CPU seconds of one content"] = max(
        longest_s, figures.most.get("CPU seconds of one content", 0.0)
    )
    return [text for _, text in failures.values()]


def _check_seeds(target: Target) -> None:
    """Check that most seeds are valid, or the mutations would begin with what is refused anyway."""
    errors = []
    for content in (seeds := target.seeds[:10] if small() else target.seeds):
        try:
            target.read(content)
        except target.errors as error:
            errors.append(error)
    if len(errors) * 2 > len(seeds):
        raise AssertionError(f"{target.name}: valid contents are refused") from errors[0]


def _problem(error: BaseException, target: Target) -> str | None:
    """Return how an error breaks the rules, with its place; None for a clear one."""
    text = str(error)
    if type(error) in target.errors and text.strip() and len(text) < 5000:
        return None
    place = traceback.extract_tb(error.__traceback__)[-1]
    return f"{type(error).__name__}: {text[:300]} ({place.filename}:{place.lineno})"


@contextmanager
def _limited(memory: int) -> Generator[None]:
    """Let the process ask for so much more memory, and no more."""
    has = int(Path("/proc/self/statm").read_text("ascii").split()[0]) * resource.getpagesize()
    before = resource.getrlimit(resource.RLIMIT_AS)
    resource.setrlimit(resource.RLIMIT_AS, (has + memory, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_AS, before)


@contextmanager
def _watched() -> Generator[None]:
    def hang(*_: object) -> None:
        raise HangError(f"not done after {LONGEST_S} CPU seconds")

    before = signal.signal(signal.SIGPROF, hang)
    try:
        yield
    finally:
        signal.signal(signal.SIGPROF, before)


RUNS = [
    Run(
        name="fuzz",
        title="Mutated files, texts and command lines",
        unit="CPU seconds with each reader",
        goal=600,
        holds="Valid inputs are changed in a few places, and read. Values, numbers and lines"
        " take the place of others, parts are repeated thousands of times, and files in a zip"
        " archive are changed, with their checksums corrected. The changes follow the format, as"
        " most random bytes are refused at once. So neither `atheris` nor the strategies of"
        " Hypothesis are used. The readers are those of CSV, spreadsheets, vCards, JSON Lines,"
        " webhooks, cursors, checkpoints, outcome files, profiles of the API, settings, and the"
        " headers `Retry-After` and `Date`. Half of the spreadsheets are .xlsx. The last reader is"
        " the command line, which gets mutated options and files."
        "\n\n"
        "An input is read, or refused with the documented error and a message of fewer than 5,000"
        " characters; the command line quotes a longer argument as a whole. There is no other"
        " error, and no traceback on the command line. No input takes"
        f" {LONGEST_S} CPU seconds, or more than 256 MB of memory in addition (a spreadsheet and a"
        " command line: 4 GB).",
        work=work,
        seeds=1,
        limit_s=1800,  # commands on the command line also wait
    )
]
