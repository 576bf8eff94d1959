# Generated from the asyncio client by tests/typing/blocking_stub.py; do not edit.

import os
from collections.abc import AsyncIterable, Callable, Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from pathlib import Path
from ssl import SSLContext
from types import TracebackType
from typing import Generic, Literal, Self, TypeVar, Unpack, overload
from uuid import UUID

import msgspec

from heymarket_async.api_profile import ApiProfile
from heymarket_async.batches import BatchResult, UpsertResult, UserItem
from heymarket_async.bulk.archive import ConversationsReport, MessagesReport
from heymarket_async.bulk.export import ExportReport
from heymarket_async.bulk.importing.report import ImportReport, OnRejected
from heymarket_async.bulk.importing.source import Item
from heymarket_async.bulk.progress import OnProgress
from heymarket_async.bulk.sending.job import OnDraft, TextItem
from heymarket_async.bulk.sending.report import SendReport
from heymarket_async.bulk.sinks.sink import Sink
from heymarket_async.bulk.sync import SyncReport
from heymarket_async.client import CallOptions, ClientOptions, RequestOptions
from heymarket_async.endpoints.contacts import PageQuery
from heymarket_async.endpoints.contacts_v2 import PageQueryV2, SearchQuery
from heymarket_async.endpoints.conversations import ConversationFilters
from heymarket_async.endpoints.messages import MessagesQuery
from heymarket_async.ensure import Ensured
from heymarket_async.misuse import Explained
from heymarket_async.models.account import Inbox, Team, TeamUser
from heymarket_async.models.answered import Answered, Ref
from heymarket_async.models.contact import (
    Contact,
    ContactChannel,
    ContactField,
    ContactRef,
    ContactStatus,
)
from heymarket_async.models.contact_list import ContactList
from heymarket_async.models.message import Conversation, Message
from heymarket_async.models.new_contact import (
    Channel,
    ContactChanges,
    NewContact,
    NewContactV2,
    NewStatus,
)
from heymarket_async.models.new_list import ListChanges, NewList
from heymarket_async.models.new_message import (
    NewBroadcast,
    NewComment,
    NewEmail,
    NewMessage,
    SentMessage,
)
from heymarket_async.models.new_schedule import NewSchedule
from heymarket_async.models.new_template import NewTemplate
from heymarket_async.models.new_user import UserChanges
from heymarket_async.models.schedule import Schedule
from heymarket_async.models.survey import Survey
from heymarket_async.models.tag import Tag
from heymarket_async.models.template import Template
from heymarket_async.pacing.window import RateLimit
from heymarket_async.transport.auth import Credentials, CredentialsProvider
from heymarket_async.transport.call import AttemptEvent
from heymarket_async.transport.http import Session
from heymarket_async.transport.retry import RetryPolicy
from heymarket_async.walk.walk import Page

R = TypeVar("R", bound=Answered)
T = TypeVar("T")
T_co = TypeVar("T_co", covariant=True)

class Items(Iterator[T_co]):
    def __next__(self) -> T_co: ...
    def close(self) -> None: ...
    def __enter__(self) -> Self: ...
    def __exit__(
        self,
        exc_type: type[BaseException] | None,
        exc: BaseException | None,
        traceback: TracebackType | None,
    ) -> None: ...

class Walk(Iterator[T]):
    left_out: int

    @property
    def cursor(self) -> str: ...
    def pages(self) -> Items[Page[T]]: ...
    def __iter__(self) -> Self: ...
    def __next__(self) -> T: ...
    def close(self) -> None: ...
    def __enter__(self) -> Self: ...
    def __exit__(
        self,
        exc_type: type[BaseException] | None,
        exc: BaseException | None,
        traceback: TracebackType | None,
    ) -> None: ...

class WholeListing(Generic[R]):
    @overload
    def iterate(
        self,
        *,
        date: datetime | str | None = ...,
        limit: int | None = ...,
        cursor: str | None = ...,
    ) -> Walk[R]: ...
    @overload
    def iterate(
        self,
        *,
        date: datetime | str | None = ...,
        limit: int | None = ...,
        cursor: str | None = ...,
        returns: type[T],
    ) -> Walk[T]: ...

class Contacts(WholeListing[Contact]):
    def create(self, contact: NewContact) -> ContactRef: ...
    @overload
    def get(self, contact_id: int) -> Contact: ...
    @overload
    def get(self, contact_id: int, *, returns: type[T]) -> T: ...
    @overload
    def find(self, *, phone: str) -> Contact | None: ...
    @overload
    def find(self, *, contact_id: int) -> Contact | None: ...
    @overload
    def find(self, *, phone: str, returns: type[T]) -> T | None: ...
    @overload
    def find(self, *, contact_id: int, returns: type[T]) -> T | None: ...
    def update(
        self, contact_id: int, contact: NewContact, *, overwrite: bool = False
    ) -> ContactRef: ...
    def delete(self, contact_id: int) -> None: ...
    @overload
    def page(self, **query: Unpack[PageQuery]) -> list[Contact]: ...
    @overload
    def page(self, *, returns: type[T], **query: Unpack[PageQuery]) -> list[T]: ...
    def count(self, *, date: datetime | str | None = None) -> int: ...
    def status(
        self, *, contact_id: int | None = None, phone: str | None = None
    ) -> ContactStatus: ...
    def set_status(
        self, status: NewStatus | str, *, contact_id: int | None = None, phone: str | None = None
    ) -> None: ...
    def create_batch(
        self, contacts: Sequence[NewContact], *, overwrite: bool = False
    ) -> BatchResult: ...
    def ensure(self, contact: NewContact) -> Ensured: ...

class ContactsV2(WholeListing[Contact]):
    def create(self, contact: NewContactV2) -> ContactRef: ...
    @overload
    def get(self, contact_uuid: UUID | str) -> Contact: ...
    @overload
    def get(self, contact_uuid: UUID | str, *, returns: type[T]) -> T: ...
    def update(
        self,
        contact_uuid: UUID | str,
        changes: ContactChanges | NewContact,
        *,
        overwrite: bool | None = None,
    ) -> Contact: ...
    def delete(self, contact_uuid: UUID | str) -> None: ...
    @overload
    def page(self, **query: Unpack[PageQueryV2]) -> list[Contact]: ...
    @overload
    def page(self, *, returns: type[T], **query: Unpack[PageQueryV2]) -> list[T]: ...
    @overload
    def search(self, **wanted: Unpack[SearchQuery]) -> list[Contact]: ...
    @overload
    def search(self, *, returns: type[T], **wanted: Unpack[SearchQuery]) -> list[T]: ...
    def upsert_many(self, contacts: Sequence[NewContactV2]) -> UpsertResult: ...
    def delete_many(self, contact_uuids: Sequence[UUID | str]) -> None: ...

class ContactChannels:
    def add(self, contact_uuid: UUID | str, channel: Channel) -> list[ContactChannel]: ...
    def replace(self, contact_uuid: UUID | str, channel: Channel) -> None: ...
    def all(self, contact_uuid: UUID | str) -> list[ContactChannel]: ...
    def get(self, contact_uuid: UUID | str, channel_type: str) -> ContactChannel: ...
    def remove(self, contact_uuid: UUID | str, channel_type: str) -> None: ...

class ContactFields:
    def all(self) -> list[ContactField]: ...
    def create(self, titles: Sequence[str]) -> list[ContactField]: ...
    def resolve(self, values: Mapping[str, T]) -> dict[str, T]: ...

class Inboxes:
    def all(self) -> list[Inbox]: ...

class Lists(WholeListing[ContactList]):
    def create(self, new_list: NewList) -> Ref: ...
    def update(self, list_id: int, changes: ListChanges) -> Ref: ...
    def delete(self, list_id: int, *, contact_ids: Sequence[int] | None = None) -> None: ...
    def get(self, list_id: int) -> ContactList: ...
    def page(self, *, date: datetime | str | None = None) -> list[ContactList]: ...

class Schedules:
    def next_slot(self, when: datetime) -> datetime: ...
    def create(self, schedule: NewSchedule) -> Ref: ...
    def get(self, schedule_id: int) -> Schedule: ...
    def update(self, schedule_id: int, schedule: NewSchedule) -> Ref: ...
    def delete(self, schedule_id: int) -> None: ...

class Surveys:
    def get(self, survey_id: int) -> Survey: ...
    def page(self, *, page: int = 1, limit: int | None = None) -> list[Survey]: ...
    def all(self) -> list[Survey]: ...

class Tags(WholeListing[Tag]):
    def create(self, label: str, *, color: str | None = None) -> Ref: ...
    def get(self, tag_id: int) -> Tag: ...
    def delete(self, tag_id: int) -> None: ...
    def page(self, *, date: datetime | str | None = None) -> list[Tag]: ...
    def resolve(self, labels: Sequence[str]) -> dict[str, int]: ...

class Teams:
    def get(self) -> Team: ...

class Templates(WholeListing[Template]):
    def create(self, template: NewTemplate) -> Ref: ...
    def get(self, template_id: int) -> Template: ...
    def update(self, template_id: int, template: NewTemplate) -> Ref: ...
    def delete(self, template_id: int) -> None: ...
    def page(self, *, date: datetime | str | None = None) -> list[Template]: ...

class Users:
    def find(
        self, *, phones: Sequence[str] = ..., emails: Sequence[str] = ...
    ) -> list[TeamUser]: ...
    def update(self, users: Sequence[UserChanges]) -> list[UserItem]: ...

class Conversations:
    @overload
    def page(
        self, *, date: datetime | str | None = ..., **filters: Unpack[ConversationFilters]
    ) -> list[Conversation]: ...
    @overload
    def page(
        self,
        *,
        date: datetime | str | None = ...,
        returns: type[T],
        **filters: Unpack[ConversationFilters],
    ) -> list[T]: ...
    @overload
    def iterate(
        self,
        *,
        date: datetime | str | None = ...,
        cursor: str | None = ...,
        **filters: Unpack[ConversationFilters],
    ) -> Walk[Conversation]: ...
    @overload
    def iterate(
        self,
        *,
        date: datetime | str | None = ...,
        cursor: str | None = ...,
        returns: type[T],
        **filters: Unpack[ConversationFilters],
    ) -> Walk[T]: ...
    def get(self, conversation_id: int) -> Conversation: ...
    def count(self, *, date: datetime | str | None = None) -> int: ...
    def open(
        self,
        *,
        inbox_id: int,
        user_id: int,
        chat_id: int | None = None,
        target: str | None = None,
        targets: Sequence[str] | None = None,
    ) -> None: ...
    def close(
        self,
        *,
        inbox_id: int,
        user_id: int,
        chat_id: int | None = None,
        target: str | None = None,
        targets: Sequence[str] | None = None,
    ) -> None: ...
    def mark_read(
        self,
        *,
        inbox_id: int,
        user_id: int,
        target: str | None = None,
        targets: Sequence[str] | None = None,
    ) -> None: ...
    def mark_unread(
        self,
        *,
        inbox_id: int,
        user_id: int,
        target: str | None = None,
        targets: Sequence[str] | None = None,
    ) -> None: ...
    def reassign(
        self,
        *,
        inbox_id: int,
        user_id: int,
        reassign_id: int,
        target: str | None = None,
        targets: Sequence[str] | None = None,
    ) -> None: ...
    def transfer(self, conversation_id: int, *, inbox_id: int) -> None: ...

class Emails:
    def send(self, email: NewEmail) -> SentMessage: ...

class Messages(WholeListing[Message]):
    def send(self, message: NewMessage) -> SentMessage: ...
    def send_once(
        self, message: NewMessage, *, since: datetime | str | None = None, wait_s: float = ...
    ) -> SentMessage: ...
    def broadcast(self, broadcast: NewBroadcast) -> SentMessage: ...
    def comment(self, comment: NewComment) -> SentMessage: ...
    def find_sent(
        self, message: NewMessage, *, since: datetime | str | None = None
    ) -> Message | None: ...
    def history(
        self, phone: str, inbox_id: int, *, before: datetime | str | None = None
    ) -> list[Message]: ...
    def iterate_history(
        self, phone: str, inbox_id: int, *, before: datetime | str | None = None
    ) -> Items[Message]: ...
    @overload
    def page(self, **query: Unpack[MessagesQuery]) -> list[Message]: ...
    @overload
    def page(self, *, returns: type[T], **query: Unpack[MessagesQuery]) -> list[T]: ...
    def count(self, *, date: datetime | str | None = None) -> int: ...

class HeymarketClient(Explained):
    base_url: str
    contacts: Contacts
    contacts_v2: ContactsV2
    contact_channels: ContactChannels
    contact_fields: ContactFields
    inboxes: Inboxes
    lists: Lists
    schedules: Schedules
    surveys: Surveys
    tags: Tags
    team: Teams
    templates: Templates
    users: Users
    conversations: Conversations
    emails: Emails
    messages: Messages

    def __init__(
        self,
        credentials: Credentials | CredentialsProvider,
        *,
        base_url: str = ...,
        timeout_s: float = ...,
        deadline_s: float = ...,
        retry: RetryPolicy = ...,
        rate_limit: RateLimit | None = ...,
        session: Session | None = None,
        proxy: str | None = None,
        trust_env: bool = False,
        ssl: SSLContext | None = None,
        user_agent: str = "",
        on_attempt: Callable[[AttemptEvent], object] | None = None,
        max_answer_bytes: int = ...,
        max_page_size: int = ...,
        profile: ApiProfile | str | os.PathLike[str] | None = None,
    ) -> None: ...
    @classmethod
    def from_env(cls, **options: Unpack[ClientOptions]) -> Self: ...
    def with_options(self, **options: Unpack[CallOptions]) -> Self: ...
    @overload
    def request(self, method: str, path: str, **options: Unpack[RequestOptions]) -> msgspec.Raw: ...
    @overload
    def request(
        self, method: str, path: str, *, returns: type[T], **options: Unpack[RequestOptions]
    ) -> T: ...
    @property
    def on_attempt(self) -> Callable[[AttemptEvent], object] | None: ...
    @property
    def retry(self) -> RetryPolicy: ...
    @property
    def fingerprint(self) -> str: ...
    @property
    def waiting(self) -> str: ...
    def close(self) -> None: ...
    def __enter__(self) -> Self: ...
    def __exit__(
        self,
        exc_type: type[BaseException] | None,
        exc: BaseException | None,
        traceback: TracebackType | None,
    ) -> None: ...

def export_contacts(
    client: HeymarketClient,
    sink: Sink | Path | str,
    *,
    surface: Literal["v1", "v2"] = "v1",
    date: datetime | str | None = None,
    page_size: int | None = None,
    concurrency: int = 1,
    checkpoint: Path | str | None = None,
    restart: bool = False,
    on_progress: OnProgress | None = None,
) -> ExportReport: ...
def export_conversations(
    client: HeymarketClient,
    sink: Sink | Path | str,
    *,
    inbox_ids: list[int] | None = None,
    page_size: int | None = None,
    checkpoint: Path | str | None = None,
    restart: bool = False,
    on_progress: OnProgress | None = None,
) -> ConversationsReport: ...
def export_messages(
    client: HeymarketClient,
    sink: Sink | Path | str,
    *,
    conversation_id: int | None = None,
    phone: str | None = None,
    inbox_id: int | None = None,
    window_s: float = ...,
    page_size: int | None = None,
    concurrency: int = 1,
    checkpoint: Path | str | None = None,
    restart: bool = False,
    on_progress: OnProgress | None = None,
) -> MessagesReport: ...
def follow_messages(
    client: HeymarketClient,
    path: Path | str,
    *,
    every_s: float = ...,
    window_s: float = ...,
    page_size: int | None = None,
    on_progress: OnProgress | None = None,
) -> Items[MessagesReport]: ...
def import_contacts(
    client: HeymarketClient,
    rows: Iterable[Item] | AsyncIterable[Item],
    *,
    overwrite: bool = False,
    dry_run: bool = False,
    batch_size: int = 100,
    concurrency: int = 4,
    outcomes: str | os.PathLike[str] | None = None,
    resume: bool = False,
    restart: bool = False,
    on_progress: OnProgress | None = None,
    on_rejected: OnRejected | None = None,
) -> ImportReport: ...
def send_messages(
    client: HeymarketClient,
    rows: Iterable[TextItem] | AsyncIterable[TextItem],
    *,
    inbox_id: int,
    creator_id: int,
    text: str | None = None,
    template_id: int | None = None,
    media_url: str | None = None,
    defaults: Mapping[str, str] | None = None,
    skip_empty: bool = False,
    repeats: bool = False,
    limit: int | None = None,
    dry_run: bool = False,
    batch_size: int = 100,
    concurrency: int = 4,
    wait_s: float = ...,
    outcomes: str | os.PathLike[str] | None = None,
    resume: bool = False,
    restart: bool = False,
    on_draft: OnDraft | None = None,
    on_progress: OnProgress | None = None,
) -> SendReport: ...
def sync_contacts(
    client: HeymarketClient,
    path: Path | str,
    *,
    surface: Literal["v1", "v2"] = "v2",
    page_size: int | None = None,
    concurrency: int = 1,
    detect_deletions: bool = False,
    settle_s: float = ...,
    rebind: bool = False,
    on_progress: OnProgress | None = None,
) -> SyncReport: ...

__all__ = [
    "HeymarketClient",
    "Items",
    "Walk",
    "export_contacts",
    "export_conversations",
    "export_messages",
    "follow_messages",
    "import_contacts",
    "send_messages",
    "sync_contacts",
]
