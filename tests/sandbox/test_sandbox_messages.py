import re
from itertools import groupby

import pytest

from heymarket_async.sandbox import Readings, Sandbox

ALL, COUNT, SEND = "POST /v1/messages/all", "POST /v1/messages/all/count", "POST /v1/message/send"
JO = "14155550190"
ONE = {"inbox_id": 301, "creator_id": 4201, "phone_number": JO, "text": "Hi"}


async def ids(account, **body):
    return [row["id"] for row in await account.ask(ALL, body)]


def stored_ids(account):
    return [row["id"] for row in account.sandbox.messages.rows]


def test_a_seed_makes_the_same_messages_and_touches_no_contact():
    first, second = (Sandbox(30, seed=3, messages=80) for _ in range(2))
    assert first.messages.rows == second.messages.rows
    assert first.conversations.rows == second.conversations.rows
    assert first.store.lines() == Sandbox(30, seed=3).store.lines()


def test_messages_go_both_ways_between_the_team_and_the_contacts():
    sandbox = Sandbox(30, messages=300)
    rows = sandbox.messages.rows
    phones = {contact["phone"] for contact in sandbox.store.contacts}
    assert {row["type"] for row in rows} == {"inbound", "outbound"}
    assert {row["target"] for row in rows} <= phones
    assert {row["phone"] for row in rows} == {"14155550100", "14155550101"}
    assert all(bool(row["user"]) == (row["type"] == "outbound") for row in rows)


def test_conversations_fit_their_messages():
    sandbox = Sandbox(30, messages=300)
    for conversation in sandbox.conversations.rows:
        of_it = [
            row for row in sandbox.messages.rows if row["conversation"]["id"] == conversation["id"]
        ]
        inbound = [row["id"] for row in of_it if row["type"] == "inbound"]
        dates = (conversation["created"], conversation["updated"])
        assert dates == (of_it[0]["date"], of_it[-1]["date"])
        assert conversation["last_inbound"] == max(inbound, default=0)
        assert conversation["replied"] == (of_it[-1]["type"] == "outbound")


def test_messages_without_contacts_are_with_strangers():
    sandbox = Sandbox(messages=20)
    assert len(sandbox.messages) == 20
    assert len(sandbox.store) == 0


@pytest.mark.parametrize("precision", ["seconds", "nanoseconds"])
def test_stamps_are_microseconds_without_trailing_zeros(precision):
    sandbox = Sandbox(5, messages=300, readings=Readings(precision=precision))
    dates = [row["date"] for row in sandbox.messages.rows]
    assert all(re.fullmatch(r"[\dT:-]{19}(\.\d{0,5}[1-9])?Z", date) for date in dates)
    assert {6, 5} < {len(date.partition(".")[2]) - 1 for date in dates if "." in date}


def test_groups_of_messages_share_a_stamp():
    rows = Sandbox(5, messages=1500, message_ties=150).messages.rows
    sizes = [len(list(group)) for _, group in groupby(row["date"] for row in rows)]
    assert (max(sizes), sum(sizes)) == (150, 1500)
    assert len(set(sizes)) > 3


@pytest.mark.parametrize("wrong", [{"messages": -1}, {"message_ties": 0}, {"messages": "5"}])
def test_a_wrong_number_of_messages_is_refused(wrong):
    with pytest.raises(ValueError, match="messages"):
        Sandbox(**wrong)


async def test_messages_are_listed_newest_first_in_pages_of_30(serve):
    account = await serve(10, messages=70)
    pages, body = [], {}
    while page := await account.ask(ALL, body):
        pages.append(page)
        body = {"created_at": page[-1]["date"]}
    assert [len(page) for page in pages] == [30, 30, 10]
    assert [row for page in pages for row in page] == account.sandbox.messages.rows[::-1]


async def test_date_is_the_cursor_too_but_created_at_wins(serve):
    account = await serve(10, messages=70)
    rows = account.sandbox.messages.rows
    older = stored_ids(account)[:10][::-1]
    assert await ids(account, date=rows[10]["date"]) == older
    assert await ids(account, date=rows[50]["date"], created_at=rows[10]["date"]) == older


async def test_ascending_makes_the_cursor_a_lower_bound(serve):
    account = await serve(10, messages=70)
    rows = account.sandbox.messages.rows
    assert await ids(account, ascending=True) == stored_ids(account)[:30]
    assert await ids(account, ascending=True, created_at=rows[60]["date"]) == [
        row["id"] for row in rows[61:]
    ]


@pytest.mark.parametrize(("cursor", "ascending"), [("before", True), ("after", False)])
async def test_the_cursor_may_be_the_same_bound_in_both_orders(cursor, ascending, serve):
    account = await serve(10, messages=20, readings=Readings(messages_cursor=cursor))
    rows = stored_ids(account)
    date = account.sandbox.messages.rows[10]["date"]
    expected = rows[:10] if cursor == "before" else rows[:10:-1]
    assert await ids(account, created_at=date, ascending=ascending) == expected


@pytest.mark.parametrize(("base", "start"), [(1, 10), (0, 20), (None, 0)])
async def test_page_counts_from_one_or_zero_or_is_ignored(base, start, serve):
    account = await serve(10, messages=40, readings=Readings(chat_page_base=base))
    newest = stored_ids(account)[::-1]
    assert await ids(account, limit=10, page=2) == newest[start : start + 10]


async def test_messages_are_listed_by_update_as_well(serve):
    account = await serve(10, messages=40)
    assert (await account.ask(ALL, {"order": "updated_at", "limit": 100})) == sorted(
        account.sandbox.messages.rows, key=lambda row: row["updated"].rstrip("Z"), reverse=True
    )
    first, second = [(await account.ask(SEND, ONE))["id"] for _ in range(2)]
    account.sandbox.carrier.deliver(first)
    assert (await ids(account, order="updated_at"))[:2] == [first, second]
    assert (await ids(account, order="created_at"))[:2] == [second, first]


async def test_another_order_is_refused(serve):
    account = await serve()
    assert await account.status(ALL, {"order": "text"}) == 400
    assert await account.status(ALL, {"created_at": "today"}) == 400


@pytest.mark.parametrize(
    ("reading", "answers"), [("text", ["40", "10"]), ("int", [40, 10]), ("empty", ["", ""])]
)
async def test_messages_are_counted_in_three_forms(reading, answers, serve):
    account = await serve(10, messages=40, readings=Readings(chat_counts=reading))
    date = account.sandbox.messages.rows[10]["date"]
    counts = [await account.ask(COUNT), await account.ask(COUNT, {"date": date})]
    assert counts == answers


async def test_a_new_message_may_be_unseen_for_a_while(serve):
    account = await serve(readings=Readings(message_delay_s=60.0))
    history = f"GET /v1/messages?phoneNumber={JO}&inboxID=301"
    sent = (await account.ask(SEND, ONE))["id"]
    account.sandbox.carrier.deliver(sent)
    assert (await ids(account), await account.ask(history), await account.ask(COUNT)) == (
        [],
        [],
        "0",
    )
    account.sandbox.clock.advance(61)
    (seen,) = await account.ask(ALL)
    assert (seen["id"], seen["status"]) == (sent, "delivered")
    assert await account.ask(history) == [seen]
    assert await account.ask(ALL, {"order": "updated_at"}) == [seen]


async def test_the_history_of_a_person_has_50_messages_before_a_second(serve):
    account = await serve(1, messages=80)
    phone = account.sandbox.store.contacts[0]["phone"]
    inbox = account.sandbox.conversations.rows[0]["inbox"]
    path = f"GET /v1/messages?phoneNumber={phone}&inboxID={inbox}"
    newest = account.sandbox.messages.rows[::-1]
    assert await account.ask(path) == newest[:50]
    second = 1_712_935_800 - 60
    before = [row for row in newest if row["date"] < "2024-04-12T15:29:00"]
    assert await account.ask(f"{path}&timestamp={second}") == before[:50]
    text = {**ONE, "inbox_id": inbox, "phone_number": phone}
    sent = (await account.ask(SEND, text))["id"]
    assert (await account.ask(path))[0]["id"] == sent


@pytest.mark.parametrize(
    ("query", "status"),
    [
        ("", 400),
        (f"?phoneNumber={JO}", 400),
        ("?inboxID=301", 400),
        (f"?phoneNumber={JO}&inboxID=301&timestamp=now", 400),
        (f"?phoneNumber={JO}&inboxID=301", 200),
    ],
)
async def test_a_history_needs_a_phone_and_an_inbox(query, status, serve):
    account = await serve()
    answered, body = await account.try_(f"GET /v1/messages{query}")
    assert answered == status
    assert status == 400 or body == []


async def test_messages_that_the_docs_order_stay_in_order_when_contacts_are_not(serve):
    account = await serve(10, messages=40, readings=Readings(newest_first=False))
    assert await ids(account) == stored_ids(account)[:9:-1]


async def test_a_message_may_look_odd_in_every_list(serve):
    account = await serve(1, messages=3)
    first, second, third = stored_ids(account)
    account.sandbox.messages.show_as(first, {"date": None})
    account.sandbox.messages.show_as(second, "twice")
    account.sandbox.messages.show_as(third, b"7")
    account.sandbox.messages.show_as(third, None)
    for body in ({}, {"order": "updated_at"}):
        rows = await account.ask(ALL, body)
        assert sorted(row["id"] for row in rows) == [first, second, second, third]
        assert [row["date"] for row in rows if row["id"] == first] == [None]


async def test_a_conversation_may_look_odd(serve):
    account = await serve(1, messages=3)
    key = account.sandbox.conversations.rows[0]["id"]
    account.sandbox.conversations.show_as(key, {"assigned": "nobody"})
    assert (await account.ask(f"GET /v1/conversations/{key}"))["assigned"] == "nobody"


def test_only_things_that_exist_may_look_odd():
    with pytest.raises(ValueError, match="the id 7"):
        Sandbox().messages.show_as(7, "twice")


def test_all_messages_may_share_one_stamp():
    rows = Sandbox(5, messages=150, message_ties=150).messages.rows
    assert len({row["date"] for row in rows}) == 1
