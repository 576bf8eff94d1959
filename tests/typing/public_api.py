"""What type checkers must see of the public API; read by mypy and pyright, run by nothing."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import UTC, datetime
from io import BytesIO
from typing import assert_type
from uuid import UUID

import msgspec

from heymarket_async import (
    ApiKey,
    ApiSecret,
    BatchResult,
    Channel,
    Contact,
    ContactChanges,
    ContactChannel,
    ContactField,
    ContactList,
    ContactRef,
    ContactStatus,
    Conversation,
    Ensured,
    HeymarketClient,
    Inbox,
    ListChanges,
    Message,
    NewBroadcast,
    NewComment,
    NewContact,
    NewContactV2,
    NewEmail,
    NewMessage,
    NewTemplate,
    Page,
    RateLimit,
    Ref,
    Repeat,
    RetryPolicy,
    Schedule,
    SentMessage,
    Survey,
    Team,
    TeamUser,
    Template,
    TemplateContent,
    UpsertResult,
    UserChanges,
    UserItem,
    Walk,
)
from heymarket_async.bulk import (
    Csv,
    ExportReport,
    ImportReport,
    JsonLines,
    Parquet,
    RejectedRow,
    Sink,
    Sqlite,
    Stream,
    SyncReport,
    Xlsx,
    export_contacts,
    import_contacts,
    sync_contacts,
)


class MoodyContact(Contact, frozen=True, kw_only=True):
    mood: str | None = None


async def rotating() -> ApiSecret | ApiKey:
    return ApiKey("key")


async def clients() -> None:
    HeymarketClient(rotating, rate_limit=RateLimit(100, per_s=60), retry=RetryPolicy(attempts=3))
    client = HeymarketClient.from_env(timeout_s=5, on_attempt=print, rate_limit=None)
    async with client as entered:
        assert_type(entered, HeymarketClient)
        assert_type(entered.with_options(deadline_s=10), HeymarketClient)
    assert_type(await client.request("GET", "/v1/team"), msgspec.Raw)
    assert_type(
        await client.request("GET", "/v1/team", returns=Contact, repeat=Repeat.READ), Contact
    )


async def account(client: HeymarketClient) -> None:
    assert_type(await client.inboxes.all(), list[Inbox])
    assert_type(await client.team.get(), Team)
    assert_type(await client.users.find(emails=["a@b.example"]), list[TeamUser])
    assert_type(await client.users.update([UserChanges(id=1, role_id=2)]), list[UserItem])
    new = NewTemplate(title="a", content=TemplateContent(text="Hi"))
    assert_type(await client.templates.create(new), Ref)
    assert_type(await client.templates.page(), list[Template])
    assert_type(client.templates.iterate(), Walk[Template])
    assert_type(client.tags.iterate(returns=msgspec.Raw), Walk[msgspec.Raw])
    assert_type(await client.tags.resolve(["VIP"]), dict[str, int])
    assert_type(await client.lists.get(1), ContactList)
    assert_type(await client.lists.update(1, ListChanges(add_phones=("1",))), Ref)
    assert_type(await client.schedules.get(1), Schedule)
    assert_type(client.schedules.next_slot(datetime.now(UTC)), datetime)
    assert_type(await client.surveys.all(), list[Survey])


async def contacts(client: HeymarketClient) -> None:
    group, jordan = client.contacts, NewContact(phone="15105553344", custom={1: "a"}, tags=[1])
    assert_type(await group.create(jordan), ContactRef)
    assert_type(await group.get(1), Contact)
    assert_type(await group.get(1, returns=MoodyContact), MoodyContact)
    assert_type(await group.get(1, returns=msgspec.Raw), msgspec.Raw)
    assert_type(await group.find(phone="15105553344"), Contact | None)
    assert_type(await group.find(contact_id=1, returns=MoodyContact), MoodyContact | None)
    assert_type(await group.update(1, jordan, overwrite=True), ContactRef)
    assert_type(await group.page(limit=30, ascending=True), list[Contact])
    assert_type(await group.page(returns=msgspec.Raw, page=1), list[msgspec.Raw])
    assert_type(await group.count(), int)
    assert_type(await group.status(contact_id=1), ContactStatus)
    assert_type(await group.create_batch([jordan]), BatchResult)
    assert_type(await group.ensure(jordan), Ensured)
    contact = await group.get(1)
    assert_type(contact.updated_at, datetime | None)
    assert_type(contact.uuid, UUID | None)


async def contacts_v2(client: HeymarketClient) -> None:
    group = client.contacts_v2
    robin = NewContactV2(contact_channels=[Channel(channel_type="email", channel_id="r@a.example")])
    assert_type(await group.create(robin), ContactRef)
    assert_type(await group.get(UUID(int=1)), Contact)
    assert_type(await group.get("…", returns=MoodyContact), MoodyContact)
    assert_type(await group.update("…", ContactChanges(custom={"1": "a"})), Contact)
    assert_type(await group.page(limit=30, ascending=True), list[Contact])
    assert_type(await group.search(phones=["15105553344"]), list[Contact])
    assert_type(await group.search(emails=["r@a.example"], returns=msgspec.Raw), list[msgspec.Raw])
    assert_type(await group.upsert_many([robin]), UpsertResult)


async def channels_and_fields(client: HeymarketClient) -> None:
    email = Channel(channel_type="email", channel_id="r@a.example")
    assert_type(await client.contact_channels.add("…", email), list[ContactChannel])
    assert_type(await client.contact_channels.all("…"), list[ContactChannel])
    assert_type(await client.contact_channels.get("…", "email"), ContactChannel)
    assert_type(await client.contact_fields.all(), list[ContactField])
    assert_type(await client.contact_fields.create(["Plan"]), list[ContactField])
    values = await client.contact_fields.resolve({"Plan": "Premium"})
    assert_type(values, dict[str, str])
    NewContact(phone="15105553344", custom=values)


async def messages(client: HeymarketClient) -> None:
    group, hi = client.messages, NewMessage(inbox_id=1, creator_id=1, chat_id=1, text="Hi")
    all_of_them = NewBroadcast(inbox_id=1, creator_id=1, list_id=1, template_id=1, local_id="april")
    assert_type(await group.send(hi), SentMessage)
    assert_type(await group.send_once(hi, since="2026-04-12T15:30:00Z", wait_s=20), SentMessage)
    assert_type(await group.broadcast(all_of_them), SentMessage)
    note = NewComment(inbox_id=1, creator_id=1, chat_id=1, text="VIP")
    assert_type(await group.comment(note), SentMessage)
    assert_type(await group.find_sent(hi), Message | None)
    assert_type(await group.history("15105553344", 1), list[Message])
    async for message in group.iterate_history("15105553344", 1):
        assert_type(message, Message)
    assert_type(await group.page(limit=30), list[Message])
    assert_type(await group.page(returns=msgspec.Raw), list[msgspec.Raw])
    assert_type(group.iterate(limit=30), Walk[Message])
    assert_type(group.iterate(returns=msgspec.Raw), Walk[msgspec.Raw])
    assert_type(await group.count(), int)
    mail = NewEmail(inbox_id=1, creator_id=1, text="Hi", to=["r@a.example"])
    assert_type(await client.emails.send(mail), SentMessage)


async def conversations(client: HeymarketClient) -> None:
    group = client.conversations
    assert_type(await group.page(inboxes=[1], closed=False), list[Conversation])
    assert_type(await group.page(inboxes=[1], returns=msgspec.Raw), list[msgspec.Raw])
    assert_type(group.iterate(inboxes=[1], user_id=1), Walk[Conversation])
    assert_type(group.iterate(inboxes=[1], returns=msgspec.Raw), Walk[msgspec.Raw])
    assert_type(await group.get(1), Conversation)
    assert_type(await group.count(), int)


async def walks(client: HeymarketClient) -> None:
    walk = client.contacts.iterate(date="2026-04-12T15:30:00Z", limit=100)
    assert_type(walk, Walk[Contact])
    assert_type(walk.cursor, str)
    assert_type(walk.pages(), AsyncIterator[Page[Contact]])
    async with client.contacts_v2.iterate(cursor=walk.cursor, returns=MoodyContact) as moody:
        async for contact in moody:
            assert_type(contact, MoodyContact)
    async for page in client.contacts.iterate(returns=msgspec.Raw).pages():
        assert_type(page, Page[msgspec.Raw])
        assert_type(page.items, list[msgspec.Raw])
        for raw in page:
            assert_type(raw, msgspec.Raw)


async def bulk(client: HeymarketClient) -> None:
    assert_type(await export_contacts(client, JsonLines("c.jsonl")), ExportReport)
    assert_type(await sync_contacts(client, "c.db"), SyncReport)
    assert_type(await import_contacts(client, [NewContact(phone="15105553344")]), ImportReport)
    assert_type(await import_contacts(client, [{"phone": "15105553345"}]), ImportReport)
    assert_type(await import_contacts(client, [RejectedRow("no phone")]), ImportReport)
    sinks: list[Sink] = [
        JsonLines("c"),
        Csv("c"),
        Parquet("c"),
        Xlsx("c"),
        Sqlite("c"),
        Stream(BytesIO()),
    ]
    assert sinks
