import pytest

from heymarket_async.sandbox import Readings

LIST, COUNT = "POST /v1/conversations", "POST /v1/conversations/count"
SEND = "POST /v1/message/send"
JO, ANN = "14155550190", "14155550191"
ONE = {"inbox_id": 301, "creator_id": 4201, "phone_number": JO, "text": "Hi"}
EVERY = {"id": 0, "filters": {"inboxes": [301, 302]}}
ACT = {"inbox_id": 301, "user_id": 4201, "target": JO}


async def ids(account, user=0, inboxes=(301, 302), **filters):
    body = {"id": user, "filters": {"inboxes": list(inboxes), **filters}, "limit": 100}
    return [row["id"] for row in await account.ask(LIST, body)]


async def one(serve, **readings):
    account = await serve(readings=Readings(**readings))
    key = (await account.ask(SEND, ONE))["convo_id"]
    return account, key


async def test_conversations_are_listed_last_written_first(serve):
    account = await serve(60, messages=400)
    pages, body = [], EVERY
    while page := await account.ask(LIST, body):
        pages.append(page)
        body = {**EVERY, "date": page[-1]["updated"]}
    rows = account.sandbox.conversations.rows
    assert [row for page in pages for row in page] == rows[::-1]
    assert len(pages) > 1
    assert await account.ask(COUNT) == str(len(rows))
    assert await account.ask(COUNT, {"date": rows[7]["updated"]}) == "7"
    assert await account.ask(f"GET /v1/conversations/{rows[7]['id']}") == rows[7]


async def test_filters_choose_conversations(serve):
    account = await serve(60, messages=400)
    rows = account.sandbox.conversations.rows[::-1]

    def where(**values):
        return [row["id"] for row in rows if values.items() <= row.items()]

    assert await ids(account) == where()
    assert await ids(account, inboxes=[302]) == where(inbox=302)
    assert await ids(account, closed=True) == where(status="closed")
    assert await ids(account, closed=False) == where(status="open")
    assert await ids(account, unread=True) == where(read=0)
    assert await ids(account, unread=False) == where()
    assert 0 < len(where(status="closed")) < len(where())
    assert 0 < len(where(read=0)) < len(where())


async def test_filtered_ties_may_be_shuffled(serve):
    account = await serve(60, messages=60, message_ties=60, readings=Readings(ties="shuffled"))
    assert sorted(await ids(account, inboxes=[301])) == sorted(
        row["id"] for row in account.sandbox.conversations.rows if row["inbox"] == 301
    )


@pytest.mark.parametrize(
    ("body", "status"),
    [
        ({}, 400),
        ({"id": 4201}, 400),
        ({"id": 4201, "filters": {}}, 400),
        ({"id": 9, "filters": {"inboxes": [301]}}, 403),
        ({"id": 4201, "filters": {"inboxes": [9]}}, 403),
        ({"id": 4201, "filters": {"inboxes": [301]}}, 200),
    ],
)
async def test_a_list_needs_a_member_and_inboxes(body, status, serve):
    account = await serve()
    assert await account.status(LIST, body) == status


async def test_a_new_text_moves_its_conversation_to_the_front(serve):
    account = await serve(60, messages=400)
    last = (await account.ask(LIST, {**EVERY, "limit": 100}))[-1]
    account.sandbox.customer.text(last["target"], "Hello?")
    first = (await account.ask(LIST, EVERY))[0]
    assert (first["id"], first["read"], first["status"]) == (last["id"], 0, "open")
    assert first["updated"] > last["updated"]


async def test_opening_and_closing(serve):
    account, key = await one(serve)
    assert await account.ask("POST /v1/conversations/close", ACT) == "ok"
    assert await ids(account, closed=True) == [key]
    closed = account.sandbox.conversations.rows
    assert await account.ask("POST /v1/conversations/close", ACT) == "ok"
    assert account.sandbox.conversations.rows == closed
    by_id = {"inbox_id": 301, "user_id": 4201, "chat_id": key}
    assert await account.ask("POST /v1/conversations/open", by_id) == "ok"
    assert await ids(account, closed=True) == []
    assert account.sandbox.conversations.rows[0]["updated"] > closed[0]["updated"]


async def test_reading_is_noted_for_each_user_and_moves_nothing(serve):
    account, key = await one(serve)
    account.sandbox.customer.text(JO, "Hello?")
    before = account.sandbox.conversations.rows[0]
    assert await account.ask("POST /v1/conversations/read", ACT) == "ok"
    assert (await ids(account, 4201, unread=True), await ids(account, 4202, unread=True)) == (
        [],
        [key],
    )
    after = account.sandbox.conversations.rows[0]
    assert (before["unread_users"], after["unread_users"]) == ([4201, 4202, 4203], [4202, 4203])
    assert after["updated"] == before["updated"]
    assert await account.ask("POST /v1/conversations/unread", ACT) == "ok"
    assert account.sandbox.conversations.rows == [before]
    assert await ids(account, 4201, unread=True) == [key]


async def test_a_group_is_named_by_its_members(serve):
    account = await serve()
    group = {key: value for key, value in ONE.items() if key != "phone_number"}
    await account.ask(SEND, {**group, "targets": [JO, ANN]})
    act = {"inbox_id": 301, "user_id": 4201, "targets": [ANN, JO, ANN]}
    assert await account.ask("POST /v1/conversations/close", act) == "ok"
    assert account.sandbox.conversations.rows[0]["status"] == "closed"


@pytest.mark.parametrize(
    ("changes", "status"),
    [
        ({"inbox_id": 9}, 400),
        ({"user_id": 9}, 400),
        ({"target": None}, 400),
        ({"chat_id": 50001}, 400),
        ({"target": ANN}, 404),
        ({"target": None, "targets": []}, 404),
        ({"target": None, "chat_id": 9}, 404),
        ({"inbox_id": 302}, 404),
    ],
)
async def test_an_act_needs_a_member_and_a_conversation(changes, status, serve):
    account, _ = await one(serve)
    for act in ("open", "close", "read", "unread"):
        if act in {"open", "close"} or "chat_id" not in changes:
            path = f"POST /v1/conversations/{act}"
            assert await account.status(path, {**ACT, **changes}) == status


@pytest.mark.parametrize("act", ["read", "unread", "reassign"])
async def test_only_open_and_close_take_the_id_of_a_conversation(act, serve):
    account, key = await one(serve)
    body = {"inbox_id": 301, "user_id": 4201, "reassign_id": 4202, "chat_id": key}
    status, answer = await account.try_(f"POST /v1/conversations/{act}", body)
    assert (status, answer["message"].split(":")[0]) == (400, "target, targets")


@pytest.mark.parametrize(("reading", "status"), [("ok", 200), ("refused", 400)])
async def test_a_conversation_is_reassigned(reading, status, serve):
    account, _ = await one(serve, reassign_repeat=reading)
    body = {**ACT, "reassign_id": 4202}
    assert await account.ask("POST /v1/conversations/reassign", body) == "ok"
    assert account.sandbox.conversations.rows[0]["assigned"] == 4202
    assert await account.status("POST /v1/conversations/reassign", body) == status
    assert (
        await account.status("POST /v1/conversations/reassign", {**body, "reassign_id": 9}) == 400
    )


@pytest.mark.parametrize(("reading", "status"), [("ok", 200), ("refused", 400)])
async def test_a_conversation_is_transferred(reading, status, serve):
    account, key = await one(serve, reassign_repeat=reading)
    body = {"conversation_id": key, "transfer_inbox_id": 302}
    assert await account.ask("POST /v1/conversations/transfer", body) == "ok"
    assert await ids(account, inboxes=[302]) == [key]
    assert account.sandbox.conversations.rows[0]["inbox"] == 302
    assert await account.status("POST /v1/conversations/transfer", body) == status
    assert (await account.ask(SEND, ONE))["convo_id"] != key


async def test_some_transfers_are_refused(serve):
    account, key = await one(serve)
    other = (await account.ask(SEND, {**ONE, "inbox_id": 302}))["convo_id"]
    mail = {"creator_id": 4201, "inbox": 301, "text": "Hi", "targets": ["to:jo@example.com"]}
    mailed = (await account.ask("POST /v1/email/send", mail))["convo_id"]
    for conversation, inbox in ((key, 302), (other, 301), (mailed, 302), (key, 9)):
        body = {"conversation_id": conversation, "transfer_inbox_id": inbox}
        assert await account.status("POST /v1/conversations/transfer", body) == 400
    body = {"conversation_id": 9, "transfer_inbox_id": 302}
    assert await account.status("POST /v1/conversations/transfer", body) == 404


async def test_a_conversation_with_a_contact_without_a_name_is_named_by_the_phone(serve):
    account = await serve()
    await account.ask("POST /v1/contact", {"phone": JO})
    await account.ask(SEND, ONE)
    assert account.sandbox.conversations.rows[0]["name"] == JO


async def test_old_docs_show_objects(serve):
    account, key = await one(serve, conversation_shape="objects")
    shown = await account.ask(f"GET /v1/conversations/{key}")
    inbox = {"id": 301, "name": "Support"}
    assert (shown["assigned"], shown["inbox"], shown["read"]) == (None, inbox, True)
    await account.ask("POST /v1/conversations/reassign", {**ACT, "reassign_id": 4203})
    shown = await account.ask(f"GET /v1/conversations/{key}")
    assert shown["assigned"] == {"id": 4203, "name": "Mei Tanaka", "email": "mei@example.com"}
    assert account.sandbox.messages.rows[0]["conversation"]["inbox"] == inbox


async def test_both_shapes_may_be_on_one_page(serve):
    account = await serve(20, messages=60, readings=Readings(conversation_shape="mixed"))
    kinds = {type(row["inbox"]) for row in await account.ask(LIST, EVERY)}
    assert kinds == {int, dict}


@pytest.mark.parametrize(
    ("reading", "shown"), [("zero", "0001-01-01T00:00:00Z"), ("empty", ""), ("null", None)]
)
async def test_never_has_three_spellings(reading, shown, serve):
    account, key = await one(serve, never=reading)
    assert (await account.ask(f"GET /v1/conversations/{key}"))["snooze_till"] == shown
