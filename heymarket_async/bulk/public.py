"""The public names of `heymarket_async.bulk`, which imports them when the first of them is used."""

from heymarket_async.bulk.archive import (
    ConversationsReport,
    MessagesReport,
    export_conversations,
    export_messages,
    follow_messages,
)
from heymarket_async.bulk.errors import JobError
from heymarket_async.bulk.export import ExportReport, export_contacts
from heymarket_async.bulk.importing.job import import_contacts
from heymarket_async.bulk.importing.report import ImportReport, OnRejected, Rejection
from heymarket_async.bulk.importing.rules import RowOutcome
from heymarket_async.bulk.importing.source import RejectedRow, SourceRow
from heymarket_async.bulk.job import ReadReport
from heymarket_async.bulk.progress import OnProgress, Progress
from heymarket_async.bulk.sending.draft import Draft
from heymarket_async.bulk.sending.job import OnDraft, TextItem, send_messages
from heymarket_async.bulk.sending.outcomes import SendOutcome
from heymarket_async.bulk.sending.report import SendProblem, SendReport
from heymarket_async.bulk.sinks.files import Csv, JsonLines
from heymarket_async.bulk.sinks.parquet import Parquet
from heymarket_async.bulk.sinks.sink import Sink
from heymarket_async.bulk.sinks.sqlite import Sqlite
from heymarket_async.bulk.sinks.stream import Stream
from heymarket_async.bulk.sinks.xlsx import Xlsx
from heymarket_async.bulk.sync import SyncReport, sync_contacts

__all__ = [
    "ConversationsReport",
    "Csv",
    "Draft",
    "ExportReport",
    "ImportReport",
    "JobError",
    "JsonLines",
    "MessagesReport",
    "OnDraft",
    "OnProgress",
    "OnRejected",
    "Parquet",
    "Progress",
    "ReadReport",
    "RejectedRow",
    "Rejection",
    "RowOutcome",
    "SendOutcome",
    "SendProblem",
    "SendReport",
    "Sink",
    "SourceRow",
    "Sqlite",
    "Stream",
    "SyncReport",
    "TextItem",
    "Xlsx",
    "export_contacts",
    "export_conversations",
    "export_messages",
    "follow_messages",
    "import_contacts",
    "send_messages",
    "sync_contacts",
]
