"""The acts of the other side, and the webhooks that tell of acts."""

import pytest

from heymarket_async.sandbox import Readings, Sandbox

SEND = "POST /v1/message/send"
JO, ANN = "14155550190", "14155550191"
ONE = {"inbox_id": 301, "creator_id": 4201, "phone_number": JO, "text": "Hi"}


@pytest.fixture
def told(monkeypatch):
    """What webhooks are told, by kind."""
    found = []
    monkeypatch.setattr(
        "heymarket_async.sandbox.webhooks.Webhooks.emit",
        lambda _self, kind, _data: found.append(kind),
    )
    return found


def opted_out(sandbox):
    return [contact["phone"] for contact in sandbox.store.contacts if contact["is_opted_out"]]


def test_a_customer_texts_the_team(told):
    sandbox = Sandbox()
    key = sandbox.customer.text(JO, "Hello?")
    (row,) = sandbox.messages.rows
    assert (row["id"], row["text"], row["type"], row["target"]) == (key, "Hello?", "inbound", JO)
    (conversation,) = sandbox.conversations.rows
    assert (conversation["inbox"], conversation["last_inbound"]) == (301, key)
    assert (conversation["replied"], conversation["unread"]) == (False, 3)
    assert (told, len(sandbox.store), sandbox.outbox) == (["message_received"], 0, [])


async def test_a_conversation_is_replied_to_until_the_other_side_writes(serve):
    account = await serve()
    account.sandbox.customer.text(JO, "Hello?")
    await account.ask(SEND, ONE)
    assert account.sandbox.conversations.rows[0]["replied"] is True
    account.sandbox.customer.text(JO, "Thanks")
    assert account.sandbox.conversations.rows[0]["replied"] is False


def test_a_text_goes_to_the_newest_conversation_unless_the_inbox_is_named():
    sandbox = Sandbox()
    sandbox.customer.text(JO, "One", 302)
    sandbox.customer.text(JO, "Two")
    sandbox.customer.text(JO, "Three", 301)
    sandbox.customer.text(JO, "Four")
    inboxes = [row["conversation"]["inbox"] for row in sandbox.messages.rows]
    assert inboxes == [302, 302, 301, 301]


async def test_a_text_opens_a_closed_conversation(serve, told):
    account = await serve()
    await account.ask(SEND, ONE)
    await account.ask(
        "POST /v1/conversations/close", {"inbox_id": 301, "user_id": 4201, "target": JO}
    )
    account.sandbox.customer.text(JO, "Hello?")
    assert account.sandbox.conversations.rows[0]["status"] == "open"
    assert told == ["message_sent", "chat_closed", "message_received", "chat_opened"]


@pytest.mark.parametrize("back", ["START", "Yes", " unstop "])
@pytest.mark.parametrize("word", ["STOP", " stop ", "Unsubscribe"])
def test_a_word_opts_out_and_another_opts_in_again(word, back, told):
    sandbox = Sandbox(3, readings=Readings())
    phone = next(
        contact["phone"] for contact in sandbox.store.contacts if not contact["is_opted_out"]
    )
    sandbox.customer.text(phone, word)
    sandbox.customer.text(phone, word)
    assert phone in opted_out(sandbox)
    sandbox.customer.text(phone, back)
    assert phone not in opted_out(sandbox)
    texts = ["message_received"]
    assert told == [*texts, "target_opt_out", *texts, *texts, "target_opt_in"]


def test_a_stranger_becomes_a_contact_by_opting_out():
    sandbox = Sandbox()
    sandbox.customer.text(JO, "Don't stop")
    sandbox.customer.text(JO, "STOP")
    assert opted_out(sandbox) == [JO]


async def test_an_opt_out_leaves_every_list(serve):
    account = await serve()
    body = {"title": "Regulars", "local_id": "l", "phones": [JO, ANN]}
    made = await account.ask("POST /v2/lists", body)
    account.sandbox.customer.text(JO, "STOP")
    assert account.sandbox.lists.members(made["id"]).keys() == {ANN}


async def test_an_opt_out_by_a_call_is_told_too(serve, told):
    account = await serve()
    await account.ask("POST /v1/contact", {"phone": JO})
    for status in ("unsubscribed", "active"):
        await account.ask("POST /v1/contact/set_status", {"phone": JO, "status": status})
    assert told == ["target_opt_out", "target_opt_in"]


@pytest.mark.parametrize(("phone", "inbox"), [("+14155550190", None), (JO, 9)])
def test_a_wrong_act_of_a_customer_is_refused(phone, inbox):
    with pytest.raises(ValueError, match=r"phone must|no inbox"):
        Sandbox().customer.text(phone, "Hi", inbox)


async def test_a_carrier_delivers(serve, told):
    account = await serve()
    key = (await account.ask(SEND, ONE))["id"]
    sent = account.sandbox.messages.rows[0]
    account.sandbox.carrier.deliver(key)
    (row,) = account.sandbox.messages.rows
    assert (row["status"], row["date"]) == ("delivered", sent["date"])
    assert row["updated"] > sent["updated"]
    assert (told, len(account.sandbox.outbox)) == (["message_sent"] * 2, 1)


async def test_a_failed_text_was_received_by_nobody(serve):
    account = await serve()
    key = (await account.ask(SEND, ONE))["id"]
    account.sandbox.carrier.fail(key, "30007")
    (row,) = account.sandbox.messages.rows
    assert (row["status"], row["raw_error"]) == ("failed", "30007")
    assert account.sandbox.outbox == []


async def test_a_text_may_fail_for_some_of_a_group(serve):
    account = await serve()
    group = {key: value for key, value in ONE.items() if key != "phone_number"}
    key = (await account.ask(SEND, {**group, "targets": [JO, ANN]}))["id"]
    account.sandbox.carrier.fail(key, "30003", JO)
    (row,) = account.sandbox.messages.rows
    assert (row["status"], row["target_errors"]) == ("sent", {JO: "30003"})
    assert [sent.phone for sent in account.sandbox.outbox] == [ANN]
    account.sandbox.carrier.fail(key, "30003", ANN)
    assert account.sandbox.messages.rows[0]["target_errors"] == {JO: "30003", ANN: "30003"}


async def test_a_carrier_carries_only_what_went_out(serve):
    account = await serve()
    account.sandbox.quiet(3600)
    queued = (await account.ask(SEND, ONE))["id"]
    for key, reason in ((queued, "is queued"), (9, "no message 9")):
        with pytest.raises(ValueError, match=reason):
            account.sandbox.carrier.deliver(key)
    account.sandbox.clock.advance(3600)
    with pytest.raises(ValueError, match="not go to that phone"):
        account.sandbox.carrier.fail(queued, phone=ANN)
    account.sandbox.carrier.fail(queued)
    with pytest.raises(ValueError, match="is failed"):
        account.sandbox.carrier.deliver(queued)


async def test_acts_of_the_team_are_told(serve, told):
    account = await serve()
    key = (await account.ask(SEND, ONE))["convo_id"]
    await account.ask(SEND, {**ONE, "private": True})
    act = {"inbox_id": 301, "user_id": 4201, "chat_id": key}
    by_phone = {"inbox_id": 301, "user_id": 4201, "target": JO}
    for path, body in (
        ("close", act),
        ("open", act),
        ("reassign", {**by_phone, "reassign_id": 4203}),
        ("transfer", {"conversation_id": key, "transfer_inbox_id": 302}),
        ("read", {**by_phone, "inbox_id": 302}),
    ):
        await account.ask(f"POST /v1/conversations/{path}", body)
    kinds = ["chat_closed", "chat_opened", "chat_reassigned", "chat_transferred"]
    assert told == ["message_sent", *kinds]
