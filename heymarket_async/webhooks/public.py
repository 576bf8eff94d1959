"""The public names of `heymarket_async.webhooks`, which imports them at the first use of one."""

from heymarket_async.webhooks.errors import WebhookError
from heymarket_async.webhooks.event import Event, EventKind, parse
from heymarket_async.webhooks.receiver import Handler, Receiver
from heymarket_async.webhooks.status import replaces_status, status_rank
from heymarket_async.webhooks.store import Claim, MemoryStore, Store

__all__ = [
    "Claim",
    "Event",
    "EventKind",
    "Handler",
    "MemoryStore",
    "Receiver",
    "Store",
    "WebhookError",
    "parse",
    "replaces_status",
    "status_rank",
]
