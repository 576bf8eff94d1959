"""The public names of `heymarket_async`, which imports them when the first of them is used."""

from heymarket_async.batches import BatchItem, BatchResult, Outcome, UpsertItem, UpsertResult
from heymarket_async.client import CallOptions, ClientOptions, HeymarketClient
from heymarket_async.endpoints.channels import ContactChannels
from heymarket_async.endpoints.contacts import Contacts, PageQuery
from heymarket_async.endpoints.contacts_v2 import ContactsV2, PageQueryV2
from heymarket_async.endpoints.conversations import Conversations
from heymarket_async.endpoints.emails import Emails
from heymarket_async.endpoints.fields import ContactFields
from heymarket_async.endpoints.messages import Messages
from heymarket_async.ensure import Ensured
from heymarket_async.errors import (
    AuthenticationError,
    BadRequestError,
    ClientStateError,
    ConnectError,
    CustomFieldError,
    DeadlineError,
    DecodeError,
    HeymarketError,
    NoResponseError,
    NotFoundError,
    PaginationError,
    PermissionDeniedError,
    RateLimitError,
    ServerError,
    StatusError,
    StoreError,
)
from heymarket_async.models.contact import (
    Contact,
    ContactChannel,
    ContactField,
    ContactRef,
    ContactStatus,
    Note,
)
from heymarket_async.models.message import Conversation, Message, MessageStatus, Named
from heymarket_async.models.new_contact import (
    Channel,
    ContactChanges,
    NewContact,
    NewContactV2,
    NewStatus,
    TagRef,
)
from heymarket_async.models.new_message import (
    NewBroadcast,
    NewComment,
    NewEmail,
    NewMessage,
    SentMessage,
)
from heymarket_async.pacing.window import RateLimit
from heymarket_async.request import Repeat
from heymarket_async.transport.auth import ApiKey, ApiSecret
from heymarket_async.transport.call import AttemptEvent
from heymarket_async.transport.retry import RetryPolicy
from heymarket_async.version import __version__
from heymarket_async.walk.walk import Page, Walk

__all__ = [
    "ApiKey",
    "ApiSecret",
    "AttemptEvent",
    "AuthenticationError",
    "BadRequestError",
    "BatchItem",
    "BatchResult",
    "CallOptions",
    "Channel",
    "ClientOptions",
    "ClientStateError",
    "ConnectError",
    "Contact",
    "ContactChanges",
    "ContactChannel",
    "ContactChannels",
    "ContactField",
    "ContactFields",
    "ContactRef",
    "ContactStatus",
    "Contacts",
    "ContactsV2",
    "Conversation",
    "Conversations",
    "CustomFieldError",
    "DeadlineError",
    "DecodeError",
    "Emails",
    "Ensured",
    "HeymarketClient",
    "HeymarketError",
    "Message",
    "MessageStatus",
    "Messages",
    "Named",
    "NewBroadcast",
    "NewComment",
    "NewContact",
    "NewContactV2",
    "NewEmail",
    "NewMessage",
    "NewStatus",
    "NoResponseError",
    "NotFoundError",
    "Note",
    "Outcome",
    "Page",
    "PageQuery",
    "PageQueryV2",
    "PaginationError",
    "PermissionDeniedError",
    "RateLimit",
    "RateLimitError",
    "Repeat",
    "RetryPolicy",
    "SentMessage",
    "ServerError",
    "StatusError",
    "StoreError",
    "TagRef",
    "UpsertItem",
    "UpsertResult",
    "Walk",
    "__version__",
]
