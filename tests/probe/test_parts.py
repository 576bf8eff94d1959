"""Servers that the sandbox cannot play: the parts of a probe conclude nothing wrong from them."""

from __future__ import annotations

import pytest
from multidict import CIMultiDict

from heymarket_async.endpoints import contacts
from heymarket_async.errors import NoResponseError
from heymarket_async.probe import heads, stamps
from heymarket_async.probe.asker import Asker, CouldNotTellError, Head, Reply
from heymarket_async.probe.count import ask_for_count
from heymarket_async.probe.found import Found
from heymarket_async.probe.limits import Limits, ask_for_limits
from heymarket_async.probe.lists import ProbedList
from heymarket_async.probe.order import ask_for_order, ask_from_times, compared
from heymarket_async.probe.pages import ask_for_end, ask_for_pages
from heymarket_async.probe.subjects import Watch, subjects_of
from heymarket_async.sandbox import Sandbox
from heymarket_async.walk.rows import Rows
from tests.probe.probing import client_of, findings_of, values_of


def rows_of(*seconds: int) -> Rows:
    times = [f"2024-04-12T15:{each // 60:02}:{each % 60:02}Z" for each in seconds]
    return Rows([5000 + each for each in seconds], [1] * len(seconds), times, times)


def page_of(*seconds: int) -> Reply:
    rows = rows_of(*seconds)
    return Reply(200, None if seconds else "[]", rows=rows, size=len(rows.ids), is_list=True)


class Server:
    """Answers pages in the place of an asker."""

    was_refused = False

    def __init__(self, answer, counts=()):
        self.answer = answer
        self.counts = iter(counts)

    async def page(self, endpoint, **body):
        return self.answer(**body)

    async def ask(self, endpoint, body):
        return Reply(200, value=next(self.counts))


async def probed(answer, digits: int = 0):
    found = Found()
    probe = ProbedList(Server(answer), found, "v1", contacts.PAGE, {})
    await probe.begin(1000)
    await ask_for_order(probe)
    await ask_from_times(probe, found, digits)
    await ask_for_pages(probe)
    await ask_for_end(probe)
    await ask_for_limits(probe)
    await probe.check_unchanged()
    return found, probe


DOWN = tuple(range(100, 0, -1))


async def test_a_server_that_ignores_everything():
    found, _ = await probed(lambda **_: page_of(*DOWN[:30]))

    assert found.values == {
        "v1.order": "newest first",
        "v1.ascending": False,
        "v1.date": "ignored",
        "v1.over_limit": "ignored",
    }
    assert found.reasons["v1.includes_date"] == "`date` has no effect"
    assert found.reasons["v1.end"] == "no request reached the end of the list"


async def test_pages_that_begin_at_the_other_end_show_no_side():
    def answer(date="", **_):
        return page_of(*[each for each in range(1, 30) if not date or each < seconds_of(date)])

    found, probe = await probed(answer)

    assert "v1.date" not in found.values
    assert found.reasons["stored_finer"] == found.reasons["v1.includes_date"]
    assert "other end" in found.reasons["stored_finer"]
    assert probe.is_whole is None


def seconds_of(time: str) -> float:
    return int(time[14:16]) * 60 + float(time[17:-1])


async def test_a_list_that_is_not_sorted():
    found, _ = await probed(lambda **_: page_of(5, 9, 7, 3, 8, 1))

    assert found.reasons["v1.order"] == "a page is not sorted by `updated`"
    assert "v1.order" not in found.values


async def test_contacts_without_a_time_end_no_list():
    empty = Reply(200, rows=rows_of(), size=30, is_list=True)
    found, _ = await probed(lambda page=0, **_: empty if page else page_of(9, 8, 7))

    assert found.reasons["v1.first_page"] == "no contact on a page has a timestamp"


async def test_a_page_of_one_contact_shows_no_limit():
    found, _ = await probed(lambda page=0, **_: page_of(9 - page))

    assert found.reasons["v1.largest_limit"] == "the account has too few contacts"


async def test_a_list_that_cannot_be_read_again_withdraws_what_depends_on_it():
    answers = {"left": 12}

    def answer(date="", **_):
        answers["left"] -= 1
        if answers["left"] < 0:
            raise CouldNotTellError("all requests were used up")
        return page_of(*[each for each in DOWN[:30] if not date or each < seconds_of(date)])

    found, _ = await probed(answer)

    assert "v1.includes_date" not in found.values
    assert found.reasons["v1.includes_date"] == "all requests were used up"


# Answers that do not come, and heads


async def test_a_read_without_an_answer_is_asked_once_more(monkeypatch):
    asked = []

    class Silent:
        async def send(self, request, *, may_repeat):
            asked.append(may_repeat)
            raise NoResponseError("reset")

    async with Sandbox() as sandbox, client_of(sandbox) as client:
        asker = Asker(client, 5)
        monkeypatch.setattr(asker, "_transport", Silent())
        with pytest.raises(CouldNotTellError, match="no whole answer came"):
            await asker.page(contacts.PAGE, limit=5)
    assert asked == [False, False]


@pytest.mark.parametrize(
    ("encoding", "size", "is_gzip", "reason"),
    [
        ("gzip", 100, True, None),
        ("br", 9000, None, "answers are compressed in another way"),
        ("identity", 9000, False, None),
        ("", 100, None, "no answer was large enough to be compressed"),
    ],
)
def test_compression_is_seen_in_the_heads(encoding, size, is_gzip, reason):
    found = Found()
    heads.find([Head(200, CIMultiDict({"Content-Encoding": encoding}), size)], found)

    assert found.values.get("gzip") is is_gzip
    assert found.reasons.get("gzip") == reason


# Limits


@pytest.mark.parametrize(
    ("first", "large", "reason"),
    [
        (page_of(*DOWN[:30]), Reply(400, "400"), "every `limit` is refused"),
        (page_of(9), page_of(9), "the account has too few contacts"),
        (page_of(9, 8, 7), Reply(200), "the server answered 200, and no list"),
    ],
)
async def test_limits_that_show_nothing(first, large, reason):
    async def page(_):
        return large

    with pytest.raises(CouldNotTellError, match=reason):
        await Limits(page, first, large).find(has_more=True)


async def test_a_limit_that_brings_another_number_shows_nothing():
    async def page(_):
        return page_of(9, 8, 7, 6)

    first = page_of(*DOWN[:30])
    with pytest.raises(CouldNotTellError, match="too few contacts"):
        await Limits(page, first, first).find(has_more=True)


async def test_a_limit_that_is_refused_in_another_way_shows_nothing():
    async def page(_):
        return Reply(403, "403")

    with pytest.raises(CouldNotTellError, match="in different ways"):
        await Limits(page, page_of(*DOWN[:30]), Reply(400, "400")).find(has_more=True)


# Watched contacts


async def test_a_page_without_other_contacts_shows_no_side():
    async def page(_):
        return rows_of(7)

    watch = Watch(page, 0)
    with pytest.raises(CouldNotTellError, match="no other contacts"):
        await watch.learn_side(subjects_of(rows_of(9, 7, 5))[0])


async def test_a_group_that_a_time_cuts_is_stored_finer():
    group = Rows([1, 2, 3, 4], [1] * 4, ["x"] * 4, rows_of(9, 7, 7, 5).stamps)

    async def page(_):
        return group.only([1, 3])

    watch = Watch(page, 0)
    watch.side = "before"
    subject = subjects_of(Rows(group.ids, group.revs, group.stamps, group.stamps))[0]

    assert await watch.is_later(subject, "any") is None
    assert await compared(watch, [subject], is_exact=False) == (False, None)


@pytest.mark.parametrize("side", ["before", "after"])
@pytest.mark.parametrize("is_exact", [True, False])
async def test_a_server_that_cuts_date_to_seconds_shows_nothing_more(side, is_exact):
    shown = DOWN if side == "before" else DOWN[::-1]

    async def page(time):
        bound = int(seconds_of(time))
        return rows_of(*[each for each in shown if (each <= bound) == (side == "before")])

    watch = Watch(page, 0)
    watch.side = side
    subjects = subjects_of(rows_of(*shown))
    if is_exact:
        assert await compared(watch, subjects, is_exact=True) == (True, side == "before")
    elif side == "before":
        # At each time the contact is listed as late as the second before.
        assert await compared(watch, subjects, is_exact=False) == (True, True)
    else:
        assert await compared(watch, subjects, is_exact=False) == (True, False)


async def test_contacts_that_differ_at_their_own_time_are_stored_finer():
    async def page(time):
        hidden = 0.0005  # some are stored so much later than they are shown
        return rows_of(*[each for each in DOWN if each + hidden * (each % 2) <= seconds_of(time)])

    watch = Watch(page, 0)
    watch.side = "before"
    subjects = subjects_of(rows_of(9, 8, 7, 6, 5))
    assert {int(each.time[17:19]) % 2 for each in subjects} == {0, 1}
    assert await compared(watch, subjects, is_exact=False) == (False, None)


async def test_a_server_that_rounds_date_up_shows_nothing():
    async def page(time):
        return rows_of(*[each for each in DOWN if each < seconds_of(time) - 2])

    watch = Watch(page, 0)
    watch.side = "before"
    subjects = subjects_of(rows_of(*DOWN))
    with pytest.raises(CouldNotTellError, match="no finer than it shows"):
        await compared(watch, subjects, is_exact=False)


async def test_contacts_that_differ_show_nothing_where_time_is_known_to_be_exact():
    async def page(_):
        return rows_of(*DOWN[:40])

    watch = Watch(page, 0)
    watch.side = "before"
    with pytest.raises(CouldNotTellError):
        await compared(watch, subjects_of(rows_of(*DOWN)), is_exact=True)


# Timestamps


def times(*ends: str) -> set[str]:
    return {f"2024-04-12T15:30:{place:02}{end}" for place, end in enumerate(ends)}


@pytest.mark.parametrize(
    ("seen", "values", "reason"),
    [
        (times(*["Z"] * 9), {}, "fewer than 10"),
        (times(*["Z"] * 10), {"stamp_digits": 0, "stamp_zone": "Z"}, "no fraction"),
        (times(*[".123Z"] * 10), {"stamp_digits": 3, "stamp_zone": "Z"}, "could end in 0"),
        (
            times(*[".123Z"] * 9, ".12Z"),
            {"stamp_digits": 3, "stamp_zone": "Z", "stamp_zeros_cut": True},
            "",
        ),
        (
            times(*[".1234+00:00"] * 9, ".1200+00:00"),
            {"stamp_zone": "+00:00", "stamp_zeros_cut": False},
            "",
        ),
        (times(*["Z"] * 9, "+00:00"), {"stamp_digits": 0}, "no fraction"),
        (times(*["+02:00"] * 10), {"stamp_digits": 0}, "no fraction"),
        ({"tomorrow"}, {}, "fewer than 10"),
    ],
)
def test_how_timestamps_are_written(seen, values, reason):
    found = Found()
    stamps.find(seen, found)

    assert found.values == values
    assert reason in found.reasons.get("stamp_zeros_cut", "")
    if values and "stamp_zone" not in values:
        assert "zone" in found.reasons["stamp_zone"]


# Counts


@pytest.mark.parametrize(
    ("counts", "known", "reason"),
    [
        ((30, 40, 30), {}, "its numbers fit no reading"),
        ((30, 30, 30), {"count_date": "ignored"}, "has no effect"),
        ((30, 9, 31), {}, "the account changed meanwhile"),
        (("many",), {}, "no number"),
        ((True,), {}, "no number"),
    ],
)
async def test_counts_that_fit_no_reading(counts, known, reason):
    found = Found()
    probe = ProbedList(Server(lambda **_: page_of(*DOWN[:30])), found, "v1", contacts.PAGE, {})
    await probe.begin(1000)
    await ask_for_order(probe)
    probe.is_whole = True
    await ask_for_count(Server(None, counts), found, probe)

    left = {name: found.values[name] for name in found.values if name == "count_date"}
    assert left == known
    assert reason in found.reasons["count_includes_date"]


async def test_a_count_without_an_order_shows_no_side():
    found = Found()
    found.reasons["v1.order"] = "a page is not sorted by `updated`"
    probe = ProbedList(Server(lambda **_: page_of(5, 9, 7, 3, 8)), found, "v1", contacts.PAGE, {})
    await probe.begin(1000)
    await ask_for_count(Server(None, (5, 2, 5)), found, probe)

    assert found.reasons["count_date"] == "a page is not sorted by `updated`"


async def test_a_count_of_a_part_of_a_group_shows_no_bound():
    found = Found()
    found.values["stored_finer"] = False
    seconds = [9, 8, 7, 7, 7, 5]
    rows = rows_of(*seconds)
    rows = Rows(list(range(1, 7)), [1] * 6, rows.times, rows.stamps)
    page = Reply(200, rows=rows, size=6, is_list=True)
    probe = ProbedList(Server(lambda **_: page), found, "v1", contacts.PAGE, {})
    await probe.begin(1000)
    found.values["v1.order"] = "newest first"
    await ask_for_count(Server(None, (100, 3, 100)), found, probe)

    assert found.values["count_date"] == "after"
    assert found.reasons["count_includes_date"] == "it counts some of the contacts of one timestamp"


# Answers


@pytest.mark.parametrize("body", [b'"ok"', b'{"id": 5}', b"[1", b"\xff", b"5"])
async def test_an_unusual_answer_about_an_unknown_contact(body):
    sandbox = Sandbox(30)
    sandbox.faults.answer(200, on="POST /v1/contact/get", times=None, body=body)
    findings = await findings_of(sandbox)

    assert findings.profile.unknown_find is None


async def test_a_known_contact_that_is_answered_with_a_number_has_no_uuid():
    sandbox = Sandbox(30)
    sandbox.faults.answer(200, on="GET /v1/contact/{id}", body=b"5")
    findings = await findings_of(sandbox)

    assert findings.profile.unknown_id == "404"
    assert findings.profile.unknown_uuid is None


async def test_odd_contacts_are_left_aside():
    sandbox = Sandbox(120)
    ids = [contact["id"] for contact in sandbox.store.contacts]
    for place, kind in enumerate(("updated_null", "id_text", "twice", "updated_empty")):
        sandbox.show_as(ids[place * 3 + 1], kind if kind != "id_text" else {"id": "x"})
    findings = await findings_of(sandbox)

    assert findings.profile.v1.order == "newest first"
    assert findings.profile.v1.largest_limit == 100


async def test_without_any_answer_all_stays_open():
    sandbox = Sandbox(30)
    sandbox.faults.reset(times=None)
    findings = await findings_of(sandbox)

    assert values_of(findings.profile) == {}
    assert all(fact.reason for fact in findings.facts)
