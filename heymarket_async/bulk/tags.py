"""The tags of the account by name, as far as they can be read, and the creation of missing ones."""

from __future__ import annotations

import asyncio

from heymarket_async.bulk.errors import JobError
from heymarket_async.checks import one_of
from heymarket_async.client import HeymarketClient
from heymarket_async.endpoints.tags import ids_by_label, loose
from heymarket_async.errors import (
    BadRequestError,
    DecodeError,
    HeymarketError,
    NotFoundError,
    PaginationError,
    PermissionDeniedError,
    StatusError,
)
from heymarket_async.privacy import hides_locals

_CONFLICTS = frozenset({409, 422})


async def tags_of(client: HeymarketClient) -> dict[str, int] | None:
    """Return the ids of the tags by `loose` name, or None if not all of them can be read.

    If tags share a name, the oldest one counts.

    Raises:
        HeymarketError: Heymarket cannot be asked.

    https://developers.heymarket.com/api-reference/tags
    """
    try:
        return await ids_by_label(client.tags)
    except (PermissionDeniedError, NotFoundError, DecodeError, PaginationError):
        return None


@hides_locals
async def create_tag(client: HeymarketClient, name: str) -> int:
    """Return the id of the tag with this name, and create the tag if there is none.

    The tag is sent at most once. If the answer is lost or refused, the tags are read again, since
    the tag may exist. If it is not there, this raises, because a second attempt could make a second
    tag. To try again, call this again: it looks first.

    Args:
        client: Its retry policy decides how often, and after which waits, the tags are read again
            after a lost answer.
        name: Its label; white space around it, and doubled white space, is removed.

    Raises:
        JobError: The credentials lack the right to read or to create tags.
        HeymarketError: The tag was not created, or it is unknown whether it was; then with
            `may_have_taken_effect`.
        ValueError: The name is empty.

    https://developers.heymarket.com/api-reference/tags
    """
    label = " ".join(one_of("name", name, str).split())
    if not label:
        raise ValueError("name must not be empty")
    tags = await tags_of(client)
    if tags is None:
        raise unread_tags()
    if (known := tags.get(loose(label))) is not None:
        return known
    try:
        return (await client.tags.create(label)).id
    except PermissionDeniedError as error:
        raise JobError(
            "no_right_to_create_tags",
            "The credentials lack the right to create tags.",
            "Get that right, or create the tags in Heymarket first.",
        ) from error
    except HeymarketError as error:
        failure = error
    return await _found(client, label, failure)


def unread_tags() -> JobError:
    """Return the error for tags that must be created, but cannot be read first."""
    return JobError(
        "unread_tags",
        "The tags of the account cannot be read, so it is unknown which ones are missing.",
        "Get the right to read tags, or create no tags.",
    )


async def _found(client: HeymarketClient, label: str, failure: HeymarketError) -> int:
    """Return the id of a tag that was sent, once it can be seen; else raise the failure."""
    if failure.may_have_taken_effect:
        attempts = client.retry.attempts
    elif isinstance(failure, BadRequestError) or _is_conflict(failure):
        attempts = 1  # somebody else may have created it just now
    else:
        attempts = 0
    for attempt in range(1, attempts + 1):
        # It is not documented how soon a write can be seen.
        await asyncio.sleep(client.retry.jitter_s(attempt))
        try:
            tags = await tags_of(client)
        except HeymarketError as error:
            raise failure from error
        if (known := (tags or {}).get(loose(label))) is not None:
            return known
    raise failure


def _is_conflict(failure: HeymarketError) -> bool:
    return isinstance(failure, StatusError) and failure.status in _CONFLICTS
