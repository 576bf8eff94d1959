"""The client without asyncio, for scripts and notebooks: its calls wait, its walks are iterators.

    with blocking.HeymarketClient.from_env() as client:
        for contact in client.contacts.iterate():
            ...

All names of the asyncio client are here, and so are the jobs of `heymarket_async.bulk`.
"""

from heymarket_async import bulk
from heymarket_async.blocking.proxies import HeymarketClient, Items, Walk, waiting_job

export_contacts = waiting_job(bulk.export_contacts)
export_conversations = waiting_job(bulk.export_conversations)
export_messages = waiting_job(bulk.export_messages)
follow_messages = waiting_job(bulk.follow_messages)
import_contacts = waiting_job(bulk.import_contacts)
send_messages = waiting_job(bulk.send_messages)
sync_contacts = waiting_job(bulk.sync_contacts)

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
