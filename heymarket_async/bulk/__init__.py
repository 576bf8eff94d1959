"""Many requests as one job that loses nothing: export, import, sync, texts.

export_contacts       all contacts into a file, an SQLite database, or a sink of your own
export_conversations  all conversations, as well
export_messages       all messages, as well
follow_messages       an SQLite file that gets new messages again and again
import_contacts       many contacts into the account, each once
send_messages         a text to many people, and to nobody twice
sync_contacts         an SQLite file that follows the account
"""

from typing import TYPE_CHECKING

from heymarket_async.first_use import imported_at_first_use

if TYPE_CHECKING:
    from heymarket_async.bulk.public import *  # noqa: F403 - these names, and no others
else:
    __getattr__, __dir__ = imported_at_first_use(__name__)
