import aiohttp
import pytest

from heymarket_async.sandbox import Readings

JO, ANN = "14155550190", "14155550191"
ONE = {"inbox_id": 301, "creator_id": 4201, "phone_number": JO, "text": "Hi", "local_id": "a-1"}
SEND, EMAIL = "POST /v1/message/send", "POST /v1/email/send"
MAIL = {"creator_id": 4201, "inbox": 301, "text": "<p>Hi</p>"}


def got(account) -> list[tuple[str, str]]:
    return [(sent.phone, sent.text) for sent in account.sandbox.outbox]


def without(body, *names, **more):
    return {**{key: value for key, value in body.items() if key not in names}, **more}


async def with_list(serve, *phones, **readings):
    account = await serve(readings=Readings(**readings))
    made = await account.ask(
        "POST /v2/lists", {"title": "Regulars", "local_id": "l", "phones": list(phones)}
    )
    return account, without(ONE, "phone_number", list_id=made["id"])


async def test_a_text_to_one_person_arrives(serve):
    account = await serve()
    answer = await account.ask(SEND, {**ONE, "media_url": "https://example.com/a.jpg"})
    (sent,) = account.sandbox.outbox
    assert (sent.id, sent.local_id, sent.inbox_id) == (answer["id"], "a-1", 301)
    assert (sent.phone, sent.text, sent.media_url) == (JO, "Hi", "https://example.com/a.jpg")
    (row,) = account.sandbox.messages.rows
    assert (row["status"], row["user"], row["author"]) == ("sent", 4201, "Dana Whitfield")
    assert answer == {
        "id": row["id"],
        "date": row["date"],
        "convo_id": row["conversation"]["id"],
        "queued": False,
        "gallery_url": "https://example.com/a.jpg",
        "compliance_results": {},
    }


async def test_a_second_text_joins_the_conversation_which_is_named_after_the_contact(serve):
    account = await serve(1)
    contact = account.sandbox.store.contacts[0]
    first = await account.ask(SEND, {**ONE, "phone_number": contact["phone"]})
    text = without(ONE, "phone_number", chat_id=first["convo_id"], local_id="a-2")
    assert (await account.ask(SEND, text))["convo_id"] == first["convo_id"]
    (conversation,) = account.sandbox.conversations.rows
    assert (conversation["name"], conversation["op"]) == (contact["display_name"], "update")
    assert got(account) == [(contact["phone"], "Hi")] * 2


async def test_a_group_is_one_message_that_each_member_receives_once(serve):
    account = await serve()
    group = without(ONE, "phone_number", targets=[JO, ANN, JO])
    sent = await account.ask(SEND, group)
    assert got(account) == [(JO, "Hi"), (ANN, "Hi")]
    again = await account.ask(SEND, {**group, "targets": [ANN, JO], "local_id": "a-2"})
    assert again["convo_id"] == sent["convo_id"]
    assert account.sandbox.messages.rows[0]["targets"] == [JO, ANN]
    assert account.sandbox.conversations.rows[0]["channel"] == "mms"


async def test_a_broadcast_is_a_message_for_each_member(serve):
    account, text = await with_list(serve, JO, ANN)
    answer = await account.ask(SEND, text)
    assert got(account) == [(JO, "Hi"), (ANN, "Hi")]
    rows = account.sandbox.messages.rows
    assert {row["broadcast_id"] for row in rows} == {answer["id"]}
    assert {row["local_id"] for row in rows} == {"a-1"}
    assert answer.keys() == {"id", "date", "gallery_url", "compliance_results"}
    assert answer["gallery_url"] == ""


async def test_a_broadcast_leaves_out_people_who_opted_out(serve):
    account, text = await with_list(serve, JO, ANN)
    contact = await account.ask("POST /v1/contact/get", {"phone": JO})
    record = account.sandbox.store.record(account.sandbox.store.by_id(contact["id"]))
    record.is_opted_out = True
    account.sandbox.store.put(record, contact.get("uuid") or "u", 0, None)
    await account.ask(SEND, text)
    assert got(account) == [(ANN, "Hi")]


async def test_a_template_is_filled_for_the_contact(serve):
    account = await serve()
    await account.ask("POST /v1/contact", {"phone": JO, "first": "Jo"})
    content = {"text": "Hi {{first_name}}!"}
    made = await account.ask("POST /v1/template", {"title": "Hello", "content": content})
    text = without(ONE, "text", template_id=made["id"])
    await account.ask(SEND, text)
    await account.ask(SEND, {**text, "phone_number": ANN, "local_id": "a-2"})
    await account.ask(SEND, {**text, "text": "Yo", "local_id": "a-3"})
    assert got(account) == [(JO, "Hi Jo!"), (ANN, "Hi !"), (JO, "Yo")]


async def test_a_survey_asks_its_question(serve):
    account = await serve()
    survey = account.sandbox.surveys.create("Visit", "How was it?")
    await account.ask(SEND, {**ONE, "survey_id": survey})
    await account.ask(SEND, without(ONE, "text", survey_id=survey, local_id="a-2"))
    assert got(account) == [(JO, "Hi\nHow was it?"), (JO, "How was it?")]


async def test_a_private_comment_reaches_nobody(serve):
    account = await serve()
    await account.ask(SEND, {**ONE, "private": True, "author": "CRM"})
    (row,) = account.sandbox.messages.rows
    assert (row["text"], row["author"], row["type"]) == ("Hi", "CRM", "private")
    assert account.sandbox.outbox == []


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"inbox_id": 9}, "inbox_id"),
        ({"creator_id": 9}, "creator_id"),
        ({"phone_number": None}, "phone_number, chat_id, list_id, targets"),
        ({"chat_id": 50001}, "phone_number, chat_id, list_id, targets"),
        ({"phone_number": "+14155550190"}, "phone_number"),
        ({"text": ""}, "text, template_id, media_url, survey_id"),
        ({"text": None}, "text, template_id, media_url, survey_id"),
        ({"template_id": 9, "text": None}, "template_id"),
        ({"survey_id": 9}, "survey_id"),
        ({"phone_number": None, "list_id": 9}, "list_id"),
        ({"phone_number": None, "list_id": 9, "local_id": None}, "local_id"),
        ({"phone_number": None, "list_id": 9, "private": True}, "private"),
        ({"text": None, "media_url": "https://example.com", "private": True}, "private"),
        ({"phone_number": None, "targets": []}, "targets"),
        ({"phone_number": None, "targets": [JO, JO]}, "targets"),
        ({"phone_number": None, "targets": [JO, "1"]}, "targets"),
        ({"text": 5}, "text"),
    ],
)
async def test_a_wrong_text_is_refused_and_sends_nothing(changes, field, serve):
    account = await serve()
    status, answer = await account.try_(SEND, {**ONE, **changes})
    assert (status, answer["message"].split(":")[0]) == (400, field)
    assert account.sandbox.messages.rows == account.sandbox.conversations.rows == []


async def test_a_conversation_must_exist_in_the_inbox(serve):
    account = await serve()
    key = (await account.ask(SEND, ONE))["convo_id"]
    text = without(ONE, "phone_number", local_id="a-2")
    assert await account.status(SEND, {**text, "chat_id": key, "inbox_id": 302}) == 400
    assert await account.status(SEND, {**text, "chat_id": key + 1}) == 404
    assert len(account.sandbox.outbox) == 1


@pytest.mark.parametrize(
    ("reading", "texts", "broadcasts", "mails"),
    [("all", 1, 1, 1), ("lists", 2, 1, 1), ("none", 2, 2, 2)],
)
async def test_a_known_local_id_may_send_nothing(reading, texts, broadcasts, mails, serve):
    account, to_list = await with_list(serve, ANN, local_id_dedupes=reading)
    for _ in range(2):
        await account.ask(SEND, ONE)
        await account.ask(SEND, {**to_list, "local_id": "b-1"})
        await account.ask(EMAIL, {**MAIL, "targets": ["to:jo@example.com"], "local_id": "c-1"})
    phones = [phone for phone, _ in got(account)]
    counts = phones.count(JO), phones.count(ANN), phones.count("jo@example.com")
    assert counts == (texts, broadcasts, mails)


async def test_a_repeat_is_answered_like_the_first_send_or_with_409(serve):
    account = await serve()
    first = await account.ask(SEND, ONE)
    assert await account.ask(SEND, {**ONE, "text": "Other"}) == first
    assert (await account.ask(SEND, {**ONE, "local_id": "A-1"}))["id"] != first["id"]
    account = await serve(readings=Readings(local_id_repeat_answer="conflict"))
    assert await account.status(SEND, ONE) == 200
    status, answer = await account.try_(SEND, ONE)
    assert (status, answer["error"]) == (409, "conflict")
    assert len(account.sandbox.outbox) == 1


async def test_sends_without_a_local_id_are_never_taken_for_repeats(serve):
    account = await serve()
    for _ in range(2):
        await account.ask(SEND, without(ONE, "local_id"))
    assert len(account.sandbox.outbox) == 2


async def test_a_refused_send_may_be_repeated_with_its_local_id(serve):
    account = await serve()
    assert await account.status(SEND, {**ONE, "text": ""}) == 400
    await account.ask(SEND, ONE)
    assert len(account.sandbox.outbox) == 1


async def test_a_reset_after_the_write_leaves_the_message(serve):
    account = await serve()
    account.sandbox.faults.reset(on=SEND, after_write=True)
    with pytest.raises(aiohttp.ClientError):
        await account.ask(SEND, ONE)
    assert got(account) == [(JO, "Hi")]


@pytest.mark.parametrize(
    ("reading", "answer"), [("{}", {}), ("null", None), ("[]", [])], ids=["object", "null", "list"]
)
async def test_compliance_results_have_three_empty_forms(reading, answer, serve):
    account = await serve(readings=Readings(compliance_results=reading))
    assert (await account.ask(SEND, ONE))["compliance_results"] == answer


async def test_a_send_may_answer_its_id_alone(serve):
    account = await serve(readings=Readings(send_answer="id"))
    assert (await account.ask(SEND, ONE)).keys() == {"id"}


@pytest.mark.parametrize("reading", ["400", "403"])
async def test_a_send_to_someone_who_opted_out_is_refused(reading, serve):
    account = await serve(readings=Readings(opted_out_send=reading))
    account.sandbox.customer.text(JO, "STOP")
    group = without(ONE, "phone_number", targets=[ANN, JO])
    assert await account.status(SEND, ONE) == int(reading)
    assert await account.status(SEND, group) == int(reading)
    assert len(account.sandbox.conversations.rows) == 1
    assert await account.status(SEND, {**ONE, "private": True}) == 200
    assert account.sandbox.outbox == []


async def test_a_send_to_someone_who_opted_out_may_be_accepted_and_fail(serve):
    account = await serve(readings=Readings(opted_out_send="accept"))
    account.sandbox.customer.text(JO, "STOP")
    await account.ask(SEND, ONE)
    row = account.sandbox.messages.rows[-1]
    assert (row["status"], row["raw_error"]) == ("failed", "the recipient has opted out")
    assert account.sandbox.outbox == []


async def test_quiet_hours_hold_a_text_back_until_they_end(serve):
    account = await serve()
    account.sandbox.quiet(3600)
    assert (await account.ask(SEND, ONE))["queued"] is True
    (row,) = account.sandbox.messages.rows
    assert (row["status"], account.sandbox.outbox) == ("queued", [])
    account.sandbox.clock.advance(3601)
    (late,) = account.sandbox.messages.rows
    assert (late["status"], got(account)) == ("sent", [(JO, "Hi")])
    assert late["updated"] > row["updated"]
    assert (await account.ask(SEND, {**ONE, "local_id": "a-2"}))["queued"] is False


@pytest.mark.parametrize(("reading", "status", "sent"), [("refuse", 403, 0), ("off", 200, 2)])
async def test_quiet_hours_may_refuse_or_not_be_kept(reading, status, sent, serve):
    account = await serve(readings=Readings(quiet_hours=reading))
    account.sandbox.quiet(3600)
    assert await account.status(SEND, ONE) == status
    assert await account.status(EMAIL, {**MAIL, "targets": ["to:jo@example.com"]}) == status
    assert len(account.sandbox.outbox) == sent


async def test_quiet_hours_hold_back_no_comment(serve):
    account = await serve(readings=Readings(quiet_hours="refuse"))
    account.sandbox.quiet(3600)
    await account.ask(SEND, {**ONE, "private": True})


async def test_an_e_mail_reaches_every_address_once(serve):
    account = await serve()
    targets = ["to:jo@example.com, ann@example.com", "cc:ed@example.com", "cc:jo@example.com"]
    answer = await account.ask(EMAIL, {**MAIL, "targets": targets, "conv_title": "Your order"})
    assert answer.keys() == {"id", "date", "convo_id", "queued", "compliance_results"}
    addresses = ["jo@example.com", "ann@example.com", "ed@example.com"]
    assert got(account) == [(address, "<p>Hi</p>") for address in addresses]
    assert account.sandbox.conversations.rows[0]["name"] == "Your order"


async def test_an_e_mail_may_be_a_reply(serve):
    account = await serve()
    first = await account.ask(EMAIL, {**MAIL, "targets": ["to:jo@example.com"]})
    again = await account.ask(EMAIL, {**MAIL, "convo_id": first["convo_id"]})
    assert again["convo_id"] == first["convo_id"]
    assert len(account.sandbox.outbox) == 2


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"inbox": 9}, "inbox"),
        ({"creator_id": 9}, "creator_id"),
        ({"text": ""}, "text"),
        ({"targets": None}, "targets, convo_id"),
        ({"convo_id": 9}, "targets, convo_id"),
        ({"targets": ["jo@example.com"]}, "targets"),
        ({"targets": ["bcc:jo@example.com"]}, "targets"),
        ({"targets": ["to:jo"]}, "targets"),
        ({"targets": ["cc:jo@example.com"]}, "targets"),
        ({"targets": []}, "targets"),
    ],
)
async def test_a_wrong_e_mail_is_refused(changes, field, serve):
    account = await serve()
    body = {**MAIL, "targets": ["to:jo@example.com"], **changes}
    status, answer = await account.try_(EMAIL, body)
    assert (status, answer["message"].split(":")[0]) == (400, field)
    assert account.sandbox.outbox == []
