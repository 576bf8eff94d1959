"""Why a store cannot be used, in words.

Servers and redis-py quote what they were sent, which may be a password, so none of their text is
passed on but the name of a command or of an error.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

# Looked for in order, in the type and the text of an error and of what led to it.
_REASONS = {
    r"TimeoutError": "no answer in time",
    r"CERTIFICATE_VERIFY_FAILED.*(?:hostname|IP address) mismatch": (
        "its certificate is for another name"
    ),
    r"CERTIFICATE_VERIFY_FAILED.*expired": "its certificate has expired",
    r"CERTIFICATE_VERIFY_FAILED": (
        "its certificate is not signed by an authority that is known here; name it with"
        " ?ssl_ca_certs="
    ),
    r"WRONG_VERSION_NUMBER|record layer failure": "it does not speak TLS; use redis://",
    r"SSLError|SSL:": "TLS failed",
    r"gaierror": "its host name is not known",
    r"AuthenticationError.*without any password": "it has no password, and one was sent",
    r"AuthenticationError|WRONGPASS|NOAUTH": "wrong user or password, or none",
    r"permissions? to run the '([\w|]+)' command": "its user has no right to {name}",
    r"can't run this command": "its user has no right to a command of the script",
    r"NoPermission.*keys?|can't access.*keys?": "its user has no right to the keys heymarket:*",
    r"BUSY ": "it is busy with a script",
    r"BusyLoading": "it is loading its data",
    r"max number of clients": "it has as many clients as it takes",
    r"ReadOnlyError|READONLY": "it is a replica, which takes no writes; name the primary",
    r"OutOfMemory|OOM ": "its memory is full",
    r"SELECT is not allowed": "it is a node of a cluster, which has database 0 only",
    r"DB index is out of range": "it has no database of that number",
    r"unknown command|unknown subcommand": (
        "it does not know the command EVALSHA or SCRIPT; a Sentinel does not, so name the server"
    ),
    r"WRONGTYPE": "its keys heymarket:* hold something else",
    r"Cluster|Moved|AskError|TryAgain|SlotNot": "its cluster is down, or is moving",
    r"ConnectionRefused|Errno 111": "connection refused",
    r"ConnectionError|OSError|Errno": "no connection, or it was cut",
    r"ResponseError: (?-i:([A-Z]{4,})) ": "it answered with the error {name}",
}


def reason_of(error: BaseException) -> str:
    """Return why a store cannot be used, from what redis-py raised."""
    said = "; ".join(f"{type(each).__name__}: {each}" for each in _chain(error))
    for pattern, words in _REASONS.items():
        if found := re.search(pattern, said, re.IGNORECASE | re.DOTALL):
            name = found.group(1) if found.re.groups else ""
            return words.format(name=name.replace("|", " ").upper())
    return f"it answered with an error that is not known here ({type(error).__name__})"


def _chain(error: BaseException | None) -> Iterator[BaseException]:
    while error is not None:
        yield error
        error = error.__cause__ or error.__context__
