"""An endpoint and a request to it, as frozen values: no I/O, no state.

An endpoint is a constant. Filled in with ids, query and body it becomes a request, which the
transport sends.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from enum import Enum
from typing import Generic, TypeVar
from urllib.parse import quote, urlencode
from uuid import UUID

import msgspec

from heymarket_async.checks import id_of, segment_of, uuid_of
from heymarket_async.privacy import Masked

T = TypeVar("T")
U = TypeVar("U")


class Repeat(Enum):
    """Whether a call may be sent again after it may have been carried out.

    Each endpoint states this. It is never guessed from the verb, because Heymarket lists, searches
    and counts with POST.
    """

    READ = "read"
    """Changes nothing: repeat freely."""
    IDEMPOTENT = "idempotent"
    """Writes, but twice is the same as once: repeat freely."""
    UNSAFE = "unsafe"
    """Writes, and twice is not the same as once: do not repeat if it may have been carried out."""


class Request(Masked, msgspec.Struct, Generic[T], frozen=True):
    """One call, filled in.

    Attributes:
        method: The verb.
        path: The path as documented, with its placeholders, so it holds no personal data.
        target: Path and query as sent.
        body: The content of the JSON body; UNSET for none.
        returns: Type to decode the answer into. `type(None)` if its content is not needed: then any
            JSON will do, or nothing.
        repeat: Whether the call may be sent again.
        one: The answer is one thing, so an empty answer means "not found".
        about: The values that an answer must have if it has these fields, such as {"id": 98765};
            another value is an error. A frozenset means one of several values. "channel" means a
            channel of the contact, as `known_as` writes it. Empty for a new thing; None if the
            answer is not compared.
        gone_is_done: A DELETE that finds nothing is a success, if an answer to it was lost before.
            It counts for a DELETE whose content is not needed.
    """

    method: str
    path: str
    target: str
    body: object
    returns: type[T]
    repeat: Repeat
    one: bool = False
    about: Mapping[str, object] | None = None
    gone_is_done: bool = True

    @property
    def call(self) -> str:
        """Verb and documented path, which name the call in errors and logs."""
        return f"{self.method} {self.path}"

    def __repr__(self) -> str:
        # The target and the body hold people's data.
        return f"<Request {self.call}>"


class Endpoint(msgspec.Struct, Generic[T], frozen=True):
    """One call of the API; for the fields see `Request`.

    Attributes:
        id_fields: The field of the answer for a placeholder of the path, such as {"contactID":
            "uuid"}. If the answer has that field, it must be the id that was asked for.
    """

    method: str
    path: str
    returns: type[T]
    repeat: Repeat
    one: bool = False
    id_fields: Mapping[str, str] = {}
    gone_is_done: bool = True

    def request(
        self,
        *,
        query: Mapping[str, str | int | bool] | None = None,
        body: object = msgspec.UNSET,
        about: Mapping[str, object] | None = None,
        **ids: int | UUID | str,
    ) -> Request[T]:
        """Return a request to this endpoint.

        Args:
            query: Query parameters.
            body: The content to encode as JSON.
            about: See `Request`; the ids that `id_fields` names are added.
            **ids: A value for each `{name}` in the path.

        Raises:
            ValueError: An id breaks the rule of its placeholder, or a text cannot be sent.
        """
        target = self.path
        try:
            for name, value in ids.items():
                argument, check = _PLACEHOLDERS.get(name) or (self._argument(name), id_of)
                checked = check(argument, value)
                target = target.replace(f"{{{name}}}", quote(str(checked), safe=""))
                if field := self.id_fields.get(name):
                    about = {field: checked, **(about or {})}
            if query:
                values = {name: _query_text(value) for name, value in query.items()}
                target = f"{target}?{urlencode(values)}"
        except UnicodeEncodeError:  # it quotes the text
            raise ValueError(
                "the query, or a text for the path, holds half of an emoji (a lone surrogate),"
                " which cannot be sent"
            ) from None
        return Request(
            self.method,
            self.path,
            target,
            body,
            self.returns,
            self.repeat,
            self.one,
            about,
            self.gone_is_done,
        )

    @property
    def call(self) -> str:
        """Verb and documented path, which name the call in errors and logs."""
        return f"{self.method} {self.path}"

    def _argument(self, placeholder: str) -> str:
        """Return the argument that fills a placeholder: for `/v1/tag/{id}`, `tag_id`."""
        if placeholder != "id":
            return placeholder
        return f"{self.path.split('/')[-2].removesuffix('s')}_id"

    def returning(self, returns: type[U]) -> Endpoint[U]:
        """Return this endpoint with the answer decoded into another type."""
        return Endpoint(
            self.method,
            self.path,
            returns,
            self.repeat,
            self.one,
            self.id_fields,
            self.gone_is_done,
        )

    def listing(self, element: type[U]) -> Endpoint[list[U]]:
        """Return this endpoint with the answer decoded into a list of another type."""
        return self.returning(list[element])  # type: ignore[valid-type] # a type made at run time


_PLACEHOLDERS: dict[str, tuple[str, Callable[[str, object], object]]] = {
    "contactID": ("contact_uuid", uuid_of),
    "channelType": ("channel_type", segment_of),
}
"""The argument of a placeholder, and its check. Any other placeholder takes an integer id."""


def _query_text(value: str | int | bool) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)
