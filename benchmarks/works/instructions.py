"""(i) Instructions of each rival's process: the figures of record, where they can be counted.

Imports are counted too, from bytecode that is already there.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any, NamedTuple

from benchmarks import callgrind
from benchmarks.measuring import CERTIFICATE, Lab, Results, Values, available, tell, walk_spec
from benchmarks.rivals import BARE, BY_CONTACT, BY_PAGE, RIVALS, SCRIPT
from benchmarks.tables import Table, column, ratios
from benchmarks.works import creates, imports, walks

TITLE = "instructions of creates, walks and imports"
KEY = "instructions"


class Part(NamedTuple):
    """A fixed count of work.

    Attributes:
        work: Its name, which is that of the work with a clock.
        job: The function of `benchmarks.counted`.
        spec: Its arguments.
        rivals: Those that do it, if their packages are installed.
        tls: Over TLS, with the certificate of the tests.
        uvloop: On uvloop.
    """

    work: str
    job: str
    spec: dict[str, Any]
    rivals: Sequence[str]
    tls: bool = False
    uvloop: bool = False

    @property
    def what(self) -> str:
        return self.work + ", TLS" * self.tls + ", uvloop" * self.uvloop

    @property
    def name(self) -> str:
        """The name of its results."""
        return name(self.what)

    def on(self, *, tls: bool = False, uvloop: bool = False) -> Part:
        """Return the same for those that use Python's own TLS and loop."""
        rivals = (BARE, BY_PAGE, SCRIPT)
        return self._replace(rivals=rivals, tls=tls, uvloop=uvloop)

    def shortened(self) -> Part:
        small = walk_spec(30, 3) if self.job == "walk" else {"at_once": 1, "calls": 5}
        return self._replace(spec=small)


def name(what: str) -> str:
    return f"{what}: {KEY}"


def _create(at_once: int, calls: int) -> Part:
    # The way to walk does not matter here.
    rivals = [each for each in RIVALS if each != BY_CONTACT]
    spec = {"at_once": at_once, "calls": calls}
    return Part(creates.name(at_once), "create", spec, rivals)


def _walk(limit: int, pages: int) -> Part:
    return Part(walks.name(limit), "walk", walk_spec(limit, pages), list(RIVALS))


CREATE, WALK, LARGE_WALK = _create(1, 100), _walk(30, 20), _walk(1000, 8)
PARTS = (
    *(CREATE, _create(10, 200), _create(100, 400)),
    *(WALK, _walk(100, 10), LARGE_WALK),
    *(CREATE.on(tls=True), WALK.on(tls=True)),
    *(CREATE.on(uvloop=True), WALK.on(uvloop=True)),
)


def measure(lab: Lab) -> Results:
    parts = [part.shortened() for part in (CREATE, WALK, CREATE.on(tls=True))]
    try:
        with callgrind.counter() as counter:
            results = counted(lab, counter, parts if lab.small else PARTS)
            return results | imported(lab, counter)
    except callgrind.CannotCountError as error:
        print(f"instructions are not counted, so that CPU stands for them: {error}")
        return {}


def counted(lab: Lab, counter: callgrind.Counter, parts: Iterable[Part]) -> Results:
    """Count once, several processes at a time: a count does not depend on what else runs."""
    runs = [(part, rival) for part in parts for rival in available(part.rivals)]
    with ThreadPoolExecutor(os.cpu_count()) as threads:
        values = threads.map(lambda run: _counted(lab, counter, *run), runs)
        results: Results = {}
        for (part, rival), each in zip(runs, values, strict=True):
            if each:
                results.setdefault(part.name, {})[rival] = [each]
    tell("")
    return results


def _counted(lab: Lab, counter: callgrind.Counter, part: Part, rival: str) -> Values | None:
    tell(f"{part.name}, {rival}")
    url = lab.tls_url if part.tls else lab.url
    asked = json.dumps([url, rival, part.job, {**part.spec, "uvloop": part.uvloop}])
    # Python's TLS trusts the certificate of this file.
    arguments, trusted = ["-m", "benchmarks.counted", asked], str(CERTIFICATE)
    try:
        total, units = counter.count(arguments, SSL_CERT_FILE=trusted)
    except callgrind.FailedError as error:
        # Such as a time-out: inside callgrind all is slow. The others still count.
        print(f"{part.name}: {rival} is left out, because it failed: {error}")
        return None
    return {KEY: float(f"{total / int(units):.5g}")}


def imported(lab: Lab, counter: callgrind.Counter) -> Results:
    """Count the import of this package, and that of the packages that it needs."""
    return {name(imports.NAME): {each: [_imported(lab, counter, each)] for each in imports.COUNTED}}


def _imported(lab: Lab, counter: callgrind.Counter, names: str) -> Values:
    lab.imports(names)  # compiles, and keeps the bytecode
    marks = callgrind.MODULE
    code = f"import {marks}; {marks}.start(); import {lab.module(names)}; {marks}.stop()"
    total, _ = counter.count(["-c", code], **lab.bytecode)
    return {KEY: float(f"{total:.5g}")}


def tables(results: Results) -> list[Table]:
    return [
        Table(
            f"(i) {part.what.capitalize().replace(', tls', ', TLS')}",
            [
                *("", "instructions, ratio to bare", "ratio to script"),
                f"thousand a {'page' if part.job == 'walk' else 'call'}",
            ],
            [
                [
                    creates.title(each) if part.job == "create" else RIVALS[each].title,
                    ratios(rounds, each, BARE, KEY),
                    ratios(rounds, each, SCRIPT, KEY),
                    column(_in_thousands(taken), KEY),
                ]
                for each, taken in rounds.items()
            ],
        )
        for part in PARTS
        if (rounds := results.get(part.name))
    ]


def _in_thousands(taken: Sequence[Values]) -> list[Values]:
    return [{KEY: each[KEY] / 1000} for each in taken]
