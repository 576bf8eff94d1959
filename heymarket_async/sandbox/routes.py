"""One call as the handlers see it: what was asked, and the account that it is asked of."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TypeAlias, TypeVar
from uuid import UUID

import msgspec

from heymarket_async.sandbox.answers import NAMED, Answer, Refused
from heymarket_async.sandbox.contacts import ContactStore, Row
from heymarket_async.sandbox.readings import Nobody, Readings
from heymarket_async.sandbox.stamps import parsed

T = TypeVar("T")

PHONE = re.compile(r"[1-9]\d{6,14}", re.ASCII)


@dataclass(frozen=True, slots=True)
class Call:
    """A request that passed the door.

    Attributes:
        body: The decoded JSON, None without a body, or the raw bytes if they are no JSON.
        now: The sandbox's clock, in seconds since 1970.
        fields: The account's custom fields, title by id.
    """

    path: Mapping[str, str]
    query: Mapping[str, str]
    body: object
    now: float
    store: ContactStore
    fields: dict[int, str]
    readings: Readings

    def parse(self, kind: type[T]) -> T:
        """Return the body as `kind`, or refuse with 400 and the field that is wrong."""
        if isinstance(self.body, bytes):
            raise Refused(400, "body: is not JSON")
        try:
            return msgspec.convert(self.body, kind)
        except msgspec.ValidationError as error:
            raise Refused(400, f"{_field(error)}: {error}") from None

    def parse_optional(self, kind: type[T]) -> T:
        """Parse the body of a list or count, which may be missing."""
        if self.body is None and self.readings.empty_body:
            return msgspec.convert({}, kind)
        return self.parse(kind)

    def find(self) -> Row | None:
        """Return the contact that the path names, by integer id in v1 and by UUID in v2."""
        if "id" in self.path:
            return self.store.by_id(integer(self.path["id"], "id"))
        return self.store.by_uuid(as_uuid(self.path["contactID"], "contactID"))

    def row(self) -> Row:
        """Return the contact that the path names, or refuse."""
        found = self.find()
        if found is None:
            raise self.missing()
        return found

    def missing(self) -> Refused:
        """Return the refusal for an unknown id."""
        return Refused(self.readings.missing, "no such contact")

    def nobody(self, how: Nobody) -> Answer:
        """Return the answer where one contact was asked for and there is none, or refuse."""
        if how == "status":
            raise self.missing()
        return NAMED[how]

    def overwrites(self) -> bool:
        """Return the query's `overwrite`, false by default."""
        text = self.query.get("overwrite", "false")
        if text not in {"true", "false"}:
            raise Refused(400, "overwrite: must be true or false")
        return text == "true"


Handler: TypeAlias = Callable[[Call], Answer]


def integer(text: str, field: str) -> int:
    """Read an integer, or refuse with 400."""
    if not re.fullmatch(r"\d{1,18}", text, re.ASCII):
        raise Refused(400, f"{field}: must be an integer")
    return int(text)


def as_uuid(text: str, field: str) -> str:
    """Read a UUID, or refuse with 400; a v1 integer id is none."""
    try:
        return str(UUID(text))
    except ValueError:
        raise Refused(400, f"{field}: must be a UUID") from None


def instant(text: str | None) -> int | None:
    """Read the `date` of a body, as nanoseconds since 1970."""
    if not text:
        return None
    try:
        return parsed(text)
    except ValueError as error:
        raise Refused(400, f"date: {error}") from None


def check_phone(text: str, field: str = "phone") -> str:
    """Return the phone if it is E.164 digits without a plus sign, or refuse with 400."""
    if not PHONE.fullmatch(text):
        raise Refused(400, f"{field}: must be E.164 digits without the leading plus sign")
    return text


def _field(error: msgspec.ValidationError) -> str:
    """Name the field that msgspec complains about, as in `tags[0].tag_id`."""
    parts = (r"at `\$\.?([^`]*)`", r"field `(\w+)`")
    found = [match[1] for part in parts if (match := re.search(part, str(error)))]
    return ".".join(found) or "body"
