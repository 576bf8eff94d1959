from datetime import UTC, datetime, timedelta, timezone

import pytest

from heymarket_async.sandbox import Readings

JORDAN, AVERY = "15105553344", "15105553355"
INBOX, DANA, OSCAR = 301, 4201, 4202


def slot(ahead=3):
    """Return a quarter of an hour that is about so many quarters ahead."""
    now = datetime.now(UTC)
    return now.replace(minute=now.minute // 15 * 15, second=0, microsecond=0) + timedelta(
        minutes=15 * ahead
    )


def body(when=None, **changes):
    sent = {
        "inbox_id": INBOX,
        "execute_at": (when or slot()).isoformat(),
        "content": {"text": "See you soon"},
        "phone_number": JORDAN,
        **changes,
    }
    return {name: value for name, value in sent.items() if value is not None}


def received(account):
    return [(sent.phone, sent.text) for sent in account.sandbox.outbox]


async def test_a_message_is_scheduled_shown_changed_and_cancelled(serve):
    account, when = await serve(), slot()
    made = await account.ask("POST /v1/schedule", body(when, local_id="visit"))
    path = f"/v1/schedule/{made['id']}"
    shown = await account.ask(f"GET {path}")
    assert made.keys() == {"id"}
    assert shown.keys() == {
        *("id", "execute", "inbox_id", "user_id", "team_id", "local_id", "meta", "op", "rev"),
        *("created", "updated"),
    }
    assert datetime.fromisoformat(shown["execute"]) == when
    assert shown["meta"]["content"]["text"] == "See you soon"
    changed = body(slot(4), content={"text": "Later"}, user_id=OSCAR)
    assert await account.ask(f"PUT {path}", changed) == made
    shown = await account.ask(f"GET {path}")
    assert (shown["rev"], shown["op"], shown["local_id"]) == (2, "update", "visit")
    assert (shown["user_id"], shown["meta"]["content"]["text"]) == (OSCAR, "Later")
    assert await account.ask(f"DELETE {path}") == "ok"
    assert await account.status(f"DELETE {path}") == 404
    account.sandbox.clock.advance(7200)
    assert received(account) == []


@pytest.mark.parametrize(
    ("wrong", "field"),
    [
        ({"inbox_id": 5}, "inbox_id"),
        ({"user_id": 5}, "user_id"),
        ({"execute_at": "tomorrow"}, "execute_at"),
        ({"execute_at": slot().replace(tzinfo=None).isoformat()}, "execute_at"),
        ({"execute_at": slot(-1).isoformat()}, "execute_at"),
        ({"execute_at": (slot() + timedelta(minutes=7)).isoformat()}, "execute_at"),
        ({"execute_at": (slot() + timedelta(microseconds=1)).isoformat()}, "execute_at"),
        ({"content": None}, "content"),
        ({"content": {}}, "content"),
        ({"content": {"text": "", "attachments": []}}, "content"),
        ({"phone_number": "+15105553344"}, "phone_number"),
        ({"phone_number": None}, "phone_number, targets, conversation_id, list_id"),
        ({"list_id": 701}, "phone_number, targets, conversation_id, list_id"),
        ({"phone_number": None, "targets": ["x"]}, "targets"),
        ({"phone_number": None, "targets": []}, "targets"),
        ({"phone_number": None, "targets": [JORDAN]}, "targets"),
        ({"phone_number": None, "targets": [JORDAN, JORDAN]}, "targets"),
        ({"content": {"gallery": [{"annotation_text": "Look"}]}}, "content"),
    ],
)
async def test_a_wrong_schedule_is_answered_400(serve, wrong, field):
    account = await serve()
    status, answer = await account.try_("POST /v1/schedule", body(**wrong))
    assert (status, answer["message"].split(":")[0]) == (400, field)
    assert not account.sandbox.schedules.rows


@pytest.mark.parametrize(("ahead_s", "status"), [(899, 400), (901, 200)])
async def test_a_time_is_at_least_15_minutes_ahead(serve, ahead_s, status):
    account, when = await serve(), slot(8)
    clock = account.sandbox.clock
    clock.advance(when.timestamp() - ahead_s - clock.now)
    assert await account.status("POST /v1/schedule", body(when)) == status


async def test_a_zone_of_whole_quarters_is_fine(serve):
    account = await serve()
    when = slot().astimezone(timezone(timedelta(hours=5, minutes=45)))
    made = await account.ask("POST /v1/schedule", body(when))
    shown = await account.ask(f"GET /v1/schedule/{made['id']}")
    assert datetime.fromisoformat(shown["execute"]) == when


@pytest.mark.parametrize("template", [601, {"id": 601}])
async def test_a_message_is_sent_once_when_the_clock_reaches_its_time(serve, template):
    account, when = await serve(), slot()
    await account.ask("POST /v1/contact", {"phone": JORDAN, "first": "Jordan"})
    made = await account.ask("POST /v1/schedule", body(when, content={"template": template}))
    account.sandbox.clock.advance(when.timestamp() - account.sandbox.clock.now - 1)
    assert received(account) == []
    account.sandbox.clock.advance(2)
    account.sandbox.clock.advance(7200)
    assert received(account) == [(JORDAN, "Hi Jordan, thanks for writing to us!")]
    assert account.sandbox.schedules.ended == {made["id"]: "sent"}
    (message,) = account.sandbox.messages.rows
    assert (message["user"], message["date"]) == (DANA, message["updated"])
    assert 0 <= datetime.fromisoformat(message["date"]).timestamp() - when.timestamp() < 1


async def test_a_changed_message_is_sent_at_its_new_time_only(serve):
    account = await serve()
    made = await account.ask("POST /v1/schedule", body())
    await account.ask(f"PUT /v1/schedule/{made['id']}", body(slot(6)))
    account.sandbox.clock.advance(3600)
    assert received(account) == []
    account.sandbox.clock.advance(3600)
    assert received(account) == [(JORDAN, "See you soon")]


@pytest.mark.parametrize("kind", ["targets", "conversation_id", "list_id"])
async def test_a_message_goes_to_any_kind_of_target(serve, kind):
    account = await serve()
    sandbox = account.sandbox
    sandbox.customer.text(JORDAN, "Hi")
    (chat,) = sandbox.conversations.rows
    to, people = {
        "targets": ({"targets": [JORDAN, AVERY]}, {JORDAN, AVERY}),
        "conversation_id": ({"conversation_id": chat["id"]}, {JORDAN}),
        "list_id": ({"list_id": sandbox.lists.create("Two", [JORDAN, AVERY])}, {JORDAN, AVERY}),
    }[kind]
    picture = {"text": "Look", "attachments": [{"url": "https://example.com/a.png"}]}
    made = await account.ask("POST /v1/schedule", body(phone_number=None, content=picture, **to))
    sandbox.clock.advance(3600)
    assert sandbox.schedules.ended == {made["id"]: "sent"}
    assert {sent.phone for sent in sandbox.outbox} == people
    assert {sent.media_url for sent in sandbox.outbox} == {"https://example.com/a.png"}


@pytest.mark.parametrize("files", ["attachments", "gallery"])
async def test_a_picture_is_enough(serve, files):
    account = await serve()
    url = "https://example.com/a.png"
    await account.ask("POST /v1/schedule", body(content={files: [{"url": url}]}))
    account.sandbox.clock.advance(3600)
    assert [sent.media_url for sent in account.sandbox.outbox] == [url]


@pytest.mark.parametrize("status", [404, 400])
async def test_a_message_that_was_sent_can_no_longer_be_cancelled(serve, status):
    account = await serve(readings=Readings(schedule_sent=status))
    path = f"/v1/schedule/{(await account.ask('POST /v1/schedule', body()))['id']}"
    account.sandbox.clock.advance(3600)
    assert await account.status(f"GET {path}") == status
    assert await account.status(f"PUT {path}", body(slot(9))) == status
    assert await account.status(f"DELETE {path}") == status


async def test_a_message_to_someone_who_opted_out_meanwhile_is_not_sent(serve):
    account = await serve()
    made = await account.ask("POST /v1/schedule", body())
    account.sandbox.customer.text(JORDAN, "STOP")
    account.sandbox.clock.advance(3600)
    assert received(account) == []
    assert "opted out" in account.sandbox.schedules.ended[made["id"]]


@pytest.mark.parametrize(
    ("reading", "status", "made"), [("create", 200, 2), ("return", 200, 1), ("reject", 409, 1)]
)
async def test_a_repeated_local_id_of_a_schedule(serve, reading, status, made):
    account = await serve(readings=Readings(schedule_local_id=reading))
    first = await account.ask("POST /v1/schedule", body(local_id="visit"))
    answered, second = await account.try_("POST /v1/schedule", body(local_id="visit"))
    assert (answered, len(account.sandbox.schedules)) == (status, made)
    if reading == "return":
        assert second == first
