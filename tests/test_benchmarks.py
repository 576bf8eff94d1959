"""The benchmarks run, are fair, and this package is nowhere far off what it promises to cost."""

from __future__ import annotations

import json
import shutil
import socket
import subprocess
import sys
from itertools import pairwise
from pathlib import Path

import msgspec
import pytest

from benchmarks import callgrind, gate, goals, results, upshot
from benchmarks.contacts import BLOCK, FIRST_ID, Contacts, last_id
from benchmarks.measuring import Lab, available
from benchmarks.rivals import BARE, BY_CONTACT, BY_PAGE, HTTPX, RIVALS, SCRIPT, structs
from benchmarks.works import creates, imports, instructions, walks
from heymarket_async.models import contact as models

pytestmark = pytest.mark.unmeasured

ROOT = Path(__file__).parent.parent
LIGHT = [each for each in available() if not RIVALS[each].needs or each == HTTPX]


@pytest.fixture(scope="module")
def lab():
    # Short runs, so that there can be many of them, of which the best counts.
    with Lab(rounds=3, seconds=0.1) as lab:
        yield lab


@pytest.fixture(scope="module")
def quick_lab():
    with Lab(seconds=0) as lab:
        yield lab


@pytest.fixture(scope="module")
def contacts():
    return Contacts()


def best(runs: dict, key: str, known: dict | None = None) -> dict:
    """The least that each took in three interleaved rounds, and in those before."""
    least = dict(known or {})
    for _ in range(3):
        for name, run in runs.items():
            least[name] = min(run()[key], least.get(name, float("inf")))
    return least


def why_not_counted() -> str | None:
    if gate.kept() is None:
        return "no ratios are kept for this Python: python -m benchmarks --gate"
    try:
        with callgrind.counter():
            return None
    except callgrind.CannotCountError as error:
        return f"instructions cannot be counted: {error}"


@pytest.fixture(scope="module")
def counted(lab):
    if reason := why_not_counted():
        pytest.skip(reason)
    return gate.counted(lab)


@pytest.fixture(scope="module")
def uncounted():
    if why_not_counted() is None:
        pytest.skip("instructions are counted, which is stricter than a clock")


def test_no_call_and_no_page_takes_more_instructions_than_is_kept(counted):
    kept = gate.kept()

    assert kept is not None
    assert not gate.excess(counted, kept)


def test_the_gate_fails_above_its_margin_only():
    assert not gate.excess({"create": 1.03}, {"create": 1.0})
    assert "takes 1.031 of" in gate.excess({"create": 1.031}, {"create": 1.0})[0]


def test_without_valgrind_the_gate_is_skipped_with_the_remedy(monkeypatch, tmp_path):
    monkeypatch.setattr(gate, "kept", lambda: {"create, 1 at once": 1.0})
    monkeypatch.setenv("PATH", str(tmp_path))

    assert "no valgrind here: apt-get install" in (why_not_counted() or "")


@pytest.mark.skipif(shutil.which("cc") is None, reason="there is no compiler")
def test_without_headers_the_gate_is_skipped_with_the_reason(monkeypatch, tmp_path):
    source = tmp_path / "callgrind.c"
    source.write_text("#include <valgrind/missing.h>\n")
    monkeypatch.setattr(gate, "kept", lambda: {"create, 1 at once": 1.0})
    monkeypatch.setattr(callgrind, "SOURCE", source)
    monkeypatch.setattr(callgrind.shutil, "which", lambda _: "/usr/bin/true")

    assert "missing.h" in (why_not_counted() or "")


def test_without_valgrind_cpu_stands_for_instructions(monkeypatch, tmp_path, lab, capsys):
    monkeypatch.setenv("PATH", str(tmp_path))
    taken = instructions.measure(lab)
    taken["work"] = {"mine": [{"cpu_us": 3.0}], "to": [{"cpu_us": 2.0}]}

    assert "CPU stands for them: there is no valgrind" in capsys.readouterr().out
    assert goals.ratio("it", 1.2, "work", "mine", "to").row(taken)[2:4] == ["1.50", "CPU"]

    taken[instructions.name("work")] = {"mine": [{"instructions": 1}], "to": [{"instructions": 2}]}

    assert goals.ratio("it", 1.2, "work", "mine", "to").row(taken)[2:4] == ["0.50", "instructions"]


# Where a goal is not reached, what was reached in a full run stands for it.
REACHED = {
    (walks.name(30), BARE): 1.16,
    (walks.name(30), SCRIPT): 0.82,
    (walks.name(30), HTTPX): 0.31,
    (creates.name(10), BARE): 1.12,
    (creates.name(10), HTTPX): 0.18,
    # 1.11 by instructions, which the gate holds; a clock showed 1.10 to 1.36 on a shared machine.
    (imports.NAME, imports.NEEDED): 1.2,
}


def far_off(most: float) -> float:
    """What is no longer noise: twice the margin, and a tenth for a machine that is shared.

    Below 1, what there is to win is the margin, and half of it has to be there, or nearly so.
    """
    return 1 + 2 * (most - 1) + 0.1 if most > 1 else max((1 + most) / 2, 1.3 * most)


def check(runs: dict, work: str, mine: str, to: dict, key: str = "cpu_us") -> None:
    """Check ratios, with more rounds where they are not good enough, before that is believed."""
    most = {
        name: far_off(REACHED.get((work, name), goal)) for name, goal in to.items() if name in runs
    }
    least: dict = {}
    for _ in range(4):
        least = best(runs, key, least)
        off = {
            name: f"{least[mine] / least[name]:.2f} times {name}, more than {limit:.2f}"
            for name, limit in most.items()
            if least[mine] / least[name] > limit
        }
        if not off:
            return
    pytest.fail(f"{mine} costs {', '.join(off.values())}")


@pytest.mark.usefixtures("uncounted")
def test_walking_is_not_far_off(lab):
    rivals = {BARE: 1.03, SCRIPT: 0.67, HTTPX: 0.22}
    runs = {
        each: lambda each=each: lab.walk(each, limit=30, pages=50)
        for each in (BY_PAGE, *rivals)
        if each in LIGHT
    }

    check(runs, walks.name(30), BY_PAGE, rivals)


@pytest.mark.usefixtures("uncounted")
def test_walking_by_contact_is_not_far_off(lab):
    runs = {
        each: lambda each=each: lab.walk(each, limit=1000, pages=5) for each in (BY_CONTACT, BARE)
    }

    check(runs, walks.name(1000), BY_CONTACT, {BARE: 1.05})


@pytest.mark.usefixtures("uncounted")
def test_creating_is_not_far_off(lab):
    rivals = {BARE: 1.03, HTTPX: 0.16}
    runs = {
        each: lambda each=each: lab.create(each, at_once=10)
        for each in (BY_PAGE, *rivals)
        if each in LIGHT
    }

    check(runs, creates.name(10), BY_PAGE, rivals)


@pytest.mark.usefixtures("uncounted")
def test_importing_is_not_far_off(lab):
    runs = {each: lambda each=each: lab.imports(each) for each in (imports.OURS, imports.NEEDED)}

    check(runs, imports.NAME, imports.OURS, {imports.NEEDED: 1.05}, "cpu_ms")


@pytest.mark.parametrize("limit", [30, 100])
@pytest.mark.parametrize("rival", LIGHT)
def test_everybody_ends_alike_and_asks_as_often(rival, limit, quick_lab):
    asked = []
    for pages in (3, 9):
        before = quick_lab.spent()[1]
        quick_lab.walk(rival, limit=limit, pages=pages)  # which checks where it ends
        asked.append(quick_lab.spent()[1] - before)

    assert asked[1] - asked[0] == 6
    # Ours believes no end above the documented limit, and asks once more without one.
    proof = int(rival in {BY_PAGE, BY_CONTACT} and limit > 30)
    assert asked[0] == 3 + 1 + 1 + 3 + proof, "pages, the last one, a create, the counter"


def test_a_rival_that_loses_a_contact_is_not_measured(lab):
    walk = {"limit": 30, "pages": 3, "contacts": 59, "last_id": last_id(60), "reading": ""}
    asked = [lab.url, None, BARE, "walk", {**walk, "seconds": 0}]

    done = subprocess.run(
        [sys.executable, "-m", "benchmarks.child", json.dumps(asked)],
        capture_output=True,
        text=True,
        check=False,
        cwd=ROOT,
    )

    assert done.returncode != 0
    assert "Walked(contacts=59" in done.stderr


def test_rivals_by_hand_read_the_fields_that_this_package_reads():
    for name in ("Contact", "ContactRef", "ContactChannel", "Note"):
        theirs, ours = getattr(structs, name), getattr(models, name)

        assert theirs.__struct_fields__ == ours.__struct_fields__, name


def test_a_page_is_the_same_wherever_it_is_cut(contacts):
    size = 2 * BLOCK + 5
    rows = msgspec.json.decode(contacts.page(0, size))

    assert [row["id"] for row in rows] == list(range(FIRST_ID, last_id(size) + 1))
    assert all(newer["updated"] > older["updated"] for newer, older in pairwise(rows))
    for start in (0, BLOCK - 1, BLOCK, 2 * BLOCK - 3):
        assert msgspec.json.decode(contacts.page(start, start + 5)) == rows[start : start + 5]
        assert contacts.place(rows[start]["updated"].encode()) == start
    assert contacts.page(7, 7) == b"[]"


def request(path: str, body: object) -> bytes:
    content = msgspec.json.encode(body)
    head = f"POST {path} HTTP/1.1\r\nHost: x\r\ncontent-length: {len(content)}\r\n\r\n"
    return head.encode() + content


def answers(sent: list[bytes], lab: Lab, count: int) -> list:
    """What comes back for pieces that are sent one after the other."""
    host, port = lab.url.removeprefix("http://").split(":")
    read = b""
    with socket.create_connection((host, int(port)), timeout=10) as connection:
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        for piece in sent:
            connection.sendall(piece)
        while read.count(b"\r\n\r\n") < count or not read.endswith((b"]", b"}")):
            read += connection.recv(1 << 16)
    bodies = [each.split(b"\r\n\r\n")[1] for each in read.split(b"HTTP/1.1 200 OK")[1:]]
    return [msgspec.json.decode(body) for body in bodies]


def test_requests_that_come_joined_or_in_pieces_are_answered_in_order(lab):
    asked = [request("/9/v1/contact", {"phone": f"1555{number:07}"}) for number in (7, 8, 9)]
    asked.append(request("/9/v1/contacts", {"limit": 5}))
    whole = b"".join(asked)

    joined = answers([whole], lab, 4)
    in_pieces = answers([whole[place : place + 1] for place in range(len(whole))], lab, 4)

    assert joined == in_pieces
    assert [each["id"] for each in joined[:3]] == [7, 8, 9]
    assert [row["id"] for row in joined[3]] == list(range(FIRST_ID, FIRST_ID + 5))


def test_a_missed_goal_shows_the_difference():
    taken = {"work": {"mine": [{"cpu_us": 3.0}, {"cpu_us": 2.0}], "to": [{"cpu_us": 2.0}] * 2}}

    assert goals.ratio("it", 1.25, "work", "mine", "to").row(taken)[-1] == "reached"
    assert goals.ratio("it", 1.03, "work", "mine", "to").row(taken)[-1] == "missed by 0.22"
    assert goals.ratio("it", 1.03, "work", "mine", "none").row(taken)[2] == "not measured"


def test_the_tables_are_those_of_the_raw_data():
    record = json.loads(results.DATA.read_text())

    assert results.TABLES.read_text() == results.document(record)
    assert upshot.text(record) in upshot.PAGE.read_text()
    assert not any("not measured" in row for row in goals.table(record["results"]).rows)


def test_the_command_runs():
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks", "--small", "a", "c"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )

    assert done.returncode == 0, done.stderr
    for title in ("(a) Walk of 1,000 a page", "(c) Import", "Goals", RIVALS[BY_CONTACT].title):
        assert title in done.stdout
