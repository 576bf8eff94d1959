"""The public names of `heymarket_async`, which imports them when the first of them is used."""

from heymarket_async.api_profile import ApiProfile, ListFacts
from heymarket_async.batches import (
    BatchItem,
    BatchResult,
    Outcome,
    UpsertItem,
    UpsertResult,
    UserItem,
)
from heymarket_async.client import CallOptions, ClientOptions, HeymarketClient
from heymarket_async.endpoints.channels import ContactChannels
from heymarket_async.endpoints.contacts import Contacts, PageQuery
from heymarket_async.endpoints.contacts_v2 import ContactsV2, PageQueryV2
from heymarket_async.endpoints.conversations import ConversationFilters, Conversations
from heymarket_async.endpoints.emails import Emails
from heymarket_async.endpoints.fields import ContactFields
from heymarket_async.endpoints.inboxes import Inboxes
from heymarket_async.endpoints.lists import Lists
from heymarket_async.endpoints.messages import Messages, MessagesQuery
from heymarket_async.endpoints.schedules import Schedules
from heymarket_async.endpoints.surveys import Surveys
from heymarket_async.endpoints.tags import Tags
from heymarket_async.endpoints.team import Teams
from heymarket_async.endpoints.templates import Templates
from heymarket_async.endpoints.users import Users
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
    TagError,
)
from heymarket_async.models.account import Inbox, Team, TeamMember, TeamUser
from heymarket_async.models.answered import Ref
from heymarket_async.models.contact import (
    Contact,
    ContactChannel,
    ContactField,
    ContactRef,
    ContactStatus,
    Note,
)
from heymarket_async.models.contact_list import ContactList, ListTarget
from heymarket_async.models.message import (
    Conversation,
    Message,
    MessageDirection,
    MessageStatus,
    Named,
)
from heymarket_async.models.new_contact import (
    Channel,
    ContactChanges,
    NewContact,
    NewContactV2,
    NewStatus,
    TagRef,
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
from heymarket_async.models.schedule import Attachment, Schedule, ScheduleContent, ScheduleMeta
from heymarket_async.models.survey import Survey
from heymarket_async.models.tag import Tag
from heymarket_async.models.template import GalleryEntry, Template, TemplateContent
from heymarket_async.pacing.window import RateLimit
from heymarket_async.request import Repeat
from heymarket_async.transport.auth import ApiKey, ApiSecret
from heymarket_async.transport.call import AttemptEvent
from heymarket_async.transport.retry import RetryPolicy
from heymarket_async.version import __version__
from heymarket_async.walk.walk import Page, Walk

__all__ = [
    "ApiKey",
    "ApiProfile",
    "ApiSecret",
    "Attachment",
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
    "ContactList",
    "ContactRef",
    "ContactStatus",
    "Contacts",
    "ContactsV2",
    "Conversation",
    "ConversationFilters",
    "Conversations",
    "CustomFieldError",
    "DeadlineError",
    "DecodeError",
    "Emails",
    "Ensured",
    "GalleryEntry",
    "HeymarketClient",
    "HeymarketError",
    "Inbox",
    "Inboxes",
    "ListChanges",
    "ListFacts",
    "ListTarget",
    "Lists",
    "Message",
    "MessageDirection",
    "MessageStatus",
    "Messages",
    "MessagesQuery",
    "Named",
    "NewBroadcast",
    "NewComment",
    "NewContact",
    "NewContactV2",
    "NewEmail",
    "NewList",
    "NewMessage",
    "NewSchedule",
    "NewStatus",
    "NewTemplate",
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
    "Ref",
    "Repeat",
    "RetryPolicy",
    "Schedule",
    "ScheduleContent",
    "ScheduleMeta",
    "Schedules",
    "SentMessage",
    "ServerError",
    "StatusError",
    "StoreError",
    "Survey",
    "Surveys",
    "Tag",
    "TagError",
    "TagRef",
    "Tags",
    "Team",
    "TeamMember",
    "TeamUser",
    "Teams",
    "Template",
    "TemplateContent",
    "Templates",
    "UpsertItem",
    "UpsertResult",
    "UserChanges",
    "UserItem",
    "Users",
    "Walk",
    "__version__",
]
