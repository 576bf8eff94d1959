"""`ApiProfile`: facts about the API that its documentation leaves open, as seen on an account."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated, Literal

import msgspec
from msgspec import Meta

from heymarket_async.checks import one_of

VERSION = 1
_SHOWN = 300
"""Characters of a reason, which may quote a long name in the file."""

Size = Annotated[int, Meta(ge=1, le=1_000_000)] | None
OverLimit = Annotated[str, Meta(pattern="^(cut|default|ignored|empty|[45][0-9]{2})$")] | None
Nothing = (
    Annotated[
        str, Meta(pattern=r"^(\[\]|null|\{\}|\"\"|empty|204|contact|error|id|[345][0-9]{2})$")
    ]
    | None
)
"""An answer that holds nothing: a status of 204 or above 299, or the form of an answer of 200."""
Side = Literal["before", "after", "ignored"] | None
FirstPage = Literal[0, 1, "ignored"] | None


class ListFacts(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The facts about one list of contacts. None: not known.

    Attributes:
        order: Whether it begins at the newest or the oldest `updated`. Of v2, with `ascending`.
        date: Whether it holds the contacts before or after `date`, or ignores it.
        ascending: Whether `ascending` changes the order.
        includes_date: Whether it holds the contacts whose `updated` is exactly `date`.
        default_limit: Contacts on a page without a `limit`.
        largest_limit: The largest `limit` that brings as many contacts. If `over_limit` is None, a
            larger one may do so too.
        over_limit: A larger `limit` is "cut" to the largest one, or brings a page of the "default"
            size; any limit is "ignored"; a larger one brings an "empty" list, or a status such as
            "400".
        first_page: The number of the first page, or "ignored" if `page` has no effect.
        end: The answer where no contacts are left: its body, "empty" for 200 without a body,
            or another status, such as "204".
    """

    order: Literal["newest first", "oldest first"] | None = None
    date: Side = None
    ascending: bool | None = None
    includes_date: bool | None = None
    default_limit: Size = None
    largest_limit: Size = None
    over_limit: OverLimit = None
    first_page: FirstPage = None
    end: Nothing = None


class ApiProfile(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Facts about the API that its documentation leaves open. None: not known.

    `heymarket_async.probe.probe` finds them out on an account. A profile holds no id, name, phone
    or timestamp of the account, so it may be published.

    Attributes:
        version: The version of this form.
        v1: The list of `POST /v1/contacts`.
        v2: The list of `POST /v2/contacts/list`, with `ascending`.
        stamp_digits: Digits of the fraction of a second in timestamps: 0, 3, 6 or 9.
        stamp_zeros_cut: Whether the fraction loses its trailing zeros.
        stamp_zone: How timestamps write UTC.
        stored_finer: Whether the server keeps fractions of a second that it does not show.
        count_date: Whether `POST /v1/contacts/count` counts the contacts before or after `date`,
            or ignores it.
        count_includes_date: Whether it counts those whose `updated` is exactly `date`.
        count_is_whole: Whether it counts, without a `date`, as many contacts as the list has.
        count_as_text: Whether it answers "1042" and not 1042.
        unknown_id: The answer of `GET /v1/contact/{id}` for an unknown id.
        unknown_find: The answer of `POST /v1/contact/get` for an unknown id.
        unknown_uuid: The answer of `GET /v2/contact/{contactID}` for an unknown UUID.
        rate_headers: Names of the headers about the rate limit.
        retry_after: The form of `Retry-After` on a 429: "none", "seconds" or "date".
        gzip: Whether answers are compressed.
    """

    version: int = VERSION
    v1: ListFacts = ListFacts()
    v2: ListFacts = ListFacts()
    stamp_digits: Literal[0, 3, 6, 9] | None = None
    stamp_zeros_cut: bool | None = None
    stamp_zone: Literal["Z", "+00:00"] | None = None
    stored_finer: bool | None = None
    count_date: Side = None
    count_includes_date: bool | None = None
    count_is_whole: bool | None = None
    count_as_text: bool | None = None
    unknown_id: Nothing = None
    unknown_find: Nothing = None
    unknown_uuid: Nothing = None
    rate_headers: tuple[str, ...] | None = None
    retry_after: Literal["none", "seconds", "date"] | None = None
    gzip: bool | None = None

    @classmethod
    def load(cls, path: str | os.PathLike[str]) -> ApiProfile:
        """Read a profile from a file.

        Raises:
            ValueError: The file holds no profile, or one of another version of this package.
            OSError: The file cannot be read.
        """
        content = Path(path).read_bytes()
        try:
            version = msgspec.json.decode(content, type=_Version).version
            if version == VERSION:
                return msgspec.json.decode(content, type=cls)
        except RecursionError:
            reason = "it is nested too deeply"
        except (msgspec.MsgspecError, UnicodeDecodeError) as error:
            reason = str(error)
        else:
            reason = f"its version is {version}, and this package reads version {VERSION}"
        raise ValueError(
            f"{path} holds no profile of the API ({reason[:_SHOWN]}). Write one with"
            f" `heymarket probe --save {path}`"
        )

    @classmethod
    def checked(cls, profile: ApiProfile | str | os.PathLike[str]) -> ApiProfile:
        """Return a profile, or the profile in a file, whose values all follow their rules.

        Raises:
            ValueError: It is something else, or a value breaks its rule; the message names it.
            OSError: The file cannot be read.
        """
        if isinstance(profile, str | os.PathLike):
            return cls.load(profile)
        one_of("profile", profile, cls)
        if profile.version != VERSION:
            raise ValueError(f"profile must be of version {VERSION}")
        try:
            return msgspec.convert(msgspec.to_builtins(profile), cls)
        except (msgspec.ValidationError, TypeError) as error:
            reason = str(error).replace("`$.", "`profile.")
            raise ValueError(f"profile must hold facts of the API: {reason}") from None

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write it into a file, as JSON with a line for each fact.

        An existing file is replaced as a whole, or left as it is if that fails.

        Raises:
            OSError: The file cannot be written.
        """
        place = Path(path).resolve()
        new = place.with_name(f"{place.name}.heymarket-new")
        try:
            with new.open("wb") as file:
                file.write(msgspec.json.format(msgspec.json.encode(self), indent=2) + b"\n")
                file.flush()
                os.fsync(file.fileno())  # a power loss would leave the name of an empty file
            new.replace(place)
        except OSError:
            new.unlink(missing_ok=True)
            raise


class _Version(msgspec.Struct):
    version: int
