"""`Sandbox.state()`: a later sandbox goes back to all that the account held."""

from datetime import UTC, datetime, timedelta

import pytest

from heymarket_async.sandbox import Readings, Sandbox
from heymarket_async.sandbox.state import read

PHONE = "15105553344"


async def changed(serve, **options):
    """Serve an account in which something of each kind was written."""
    account = await serve(30, messages=40, seed=3, **options)
    sandbox = account.sandbox
    made = await account.ask("POST /v1/contact", {"phone": PHONE, "first": "Ada"})
    await account.ask(
        f"POST /v2/contact/{made['uuid']}/channel",
        {"channel_type": "email", "channel_id": "ada@example.com"},
    )
    await account.ask("DELETE /v1/contact/10003")
    await account.ask("POST /v1/contacts/fields", [{"title": "Size"}])
    await account.ask("POST /v1/users/update", {"users": [{"id": 4201, "first_name": "Grace"}]})
    sandbox.tags.create("VIP")
    sandbox.templates.create("Hello", "Hello {{first_name}}")
    sandbox.lists.create("Some", [PHONE])
    sandbox.surveys.create("How", "How was it?")
    text = {"inbox_id": 301, "creator_id": 4201, "phone_number": PHONE, "local_id": "one"}
    await account.ask("POST /v1/message/send", {**text, "text": "Hi"})
    sandbox.customer.text(PHONE, "Thanks")
    sandbox.clock.advance(5)
    return account


def shown(sandbox):
    """All that can be seen of an account."""
    return {
        "contacts": sandbox.store.contacts,
        "credentials": (sandbox.credentials, sandbox.api_key),
        "outbox": sandbox.outbox,
        **{
            name: getattr(sandbox, name).rows
            for name in (
                *("tags", "messages", "conversations", "templates", "lists", "surveys"),
                "schedules",
            )
        },
    }


async def test_all_that_an_account_holds_comes_back(serve):
    account = await changed(serve)
    state = account.sandbox.state()

    later = await serve(state=state)

    assert shown(later.sandbox) == shown(account.sandbox)
    assert later.sandbox.state() == state
    for call in ("POST /v1/contact-fields", "GET /v1/team"):
        assert await later.ask(call) == await account.ask(call)
    found = await later.ask("POST /v1/contact/get", {"phone": PHONE})
    assert found["first"] == "Ada"
    users = await later.ask("GET /v1/users/get", {"phone": [], "email": ["dana@example.com"]})
    assert users == await account.ask(
        "GET /v1/users/get", {"phone": [], "email": ["dana@example.com"]}
    )
    assert abs(later.sandbox.clock.now - account.sandbox.clock.now) < 1


async def test_new_things_get_new_ids(serve):
    account = await changed(serve)
    known = {contact["uuid"] for contact in account.sandbox.store.contacts}
    later = await serve(state=account.sandbox.state())

    made = [
        await each.ask("POST /v1/contact", {"phone": f"1510555336{number}"})
        for number, each in enumerate([account, later])
    ]

    assert made[0]["id"] == made[1]["id"] == 10_032
    assert made[1]["uuid"] not in {*known, made[0]["uuid"]}
    assert later.sandbox.tags.create("Later") == account.sandbox.tags.create("Later")


async def test_the_draws_of_an_earlier_sandbox_are_not_made_again(serve):
    account = await serve()
    first = await account.ask("POST /v1/contact", {"phone": PHONE})
    later = await serve(state=account.sandbox.state())

    second = await later.ask("POST /v1/contact", {"phone": "15105553355"})

    assert second["uuid"] != first["uuid"]


async def test_messages_that_wait_are_sent_by_the_later_sandbox(serve):
    account = await serve(readings=Readings(message_delay_s=7200))
    sandbox = account.sandbox
    sandbox.quiet(3600)
    text = {"inbox_id": 301, "creator_id": 4201, "text": "Held"}
    await account.ask("POST /v1/message/send", {**text, "phone_number": PHONE})
    hour = datetime.now(UTC).replace(minute=0, second=0, microsecond=0) + timedelta(hours=4)
    scheduled = {
        "inbox_id": 301,
        "phone_number": PHONE,
        "execute_at": hour.isoformat(),
        "content": {"text": "Scheduled"},
    }
    await account.ask("POST /v1/schedule", scheduled)
    assert sandbox.outbox == []

    later = Sandbox(state=sandbox.state(), readings=Readings(message_delay_s=7200))
    later.clock.advance(3700)
    assert [sent.text for sent in later.outbox] == ["Held"]
    last = Sandbox(state=later.state(), readings=Readings(message_delay_s=7200))
    last.clock.advance(4 * 3600)

    assert [sent.text for sent in last.outbox] == ["Held", "Scheduled"]
    assert [message["status"] for message in last.messages.rows] == ["sent", "sent"]
    assert sandbox.outbox == []


def test_a_state_shows_nothing_that_it_holds():
    state = read(Sandbox(3).state(), Readings())

    assert repr(state) == "<State of 3 contacts>"


def test_given_credentials_win_over_those_of_the_state():
    state = Sandbox(3).state()

    later = Sandbox(state=state, secret_key="another", api_key="legacy")

    assert later.credentials.secret_key == "another"
    assert later.api_key == "legacy"
    assert len(later.store) == 3


DEEP = b'{"other":' + b"[" * 9000 + b"]" * 9000 + b"}"


@pytest.mark.parametrize("text", [b"", b"{}", b'{"version":2}', b"[1]", b"\xff", DEEP])
def test_something_else_is_refused(text):
    with pytest.raises(ValueError, match=r"state must be from Sandbox\.state\(\)"):
        Sandbox(state=text)


def test_a_state_of_another_format_is_refused():
    state = Sandbox().state().replace(b'"version":1', b'"version":2')

    with pytest.raises(ValueError, match=r"state must be from Sandbox\.state\(\)"):
        Sandbox(state=state)


def test_a_state_is_used_with_its_own_readings():
    state = Sandbox(3, readings=Readings(precision="milliseconds")).state()

    with pytest.raises(ValueError, match="others are precision"):
        Sandbox(state=state)


def test_a_state_of_a_version_with_fewer_readings_is_taken():
    state = Sandbox(3).state().replace(b'"inclusive":false,', b"")

    assert len(Sandbox(state=state).store) == 3
