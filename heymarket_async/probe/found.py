"""The facts that a probe has found out so far by name, and reasons for the rest."""

from __future__ import annotations

from collections.abc import Generator
from contextlib import contextmanager

import msgspec

from heymarket_async.api_profile import ApiProfile
from heymarket_async.probe.asker import CouldNotTellError


class Found:
    """The facts that are known, and why the others are not.

    A fact has the name of its field in `ApiProfile`, such as "v1.order".
    """

    def __init__(self) -> None:
        self.values: dict[str, object] = {}
        self.reasons: dict[str, str] = {}

    @contextmanager
    def telling(self, *names: str) -> Generator[None]:
        """If it raises, keep the reason for those of these facts that are not known."""
        try:
            yield
        except CouldNotTellError as error:
            for name in names:
                self.reasons.setdefault(name, str(error))

    def withdraw(self, reason: str, *names: str) -> None:
        """Forget the values of these facts."""
        for name in names:
            if self.values.pop(name, None) is not None:
                self.reasons[name] = reason

    def profile(self) -> ApiProfile:
        """Return the profile of the facts that are known.

        A value that it cannot hold is withdrawn, so that the rest is not lost.
        """
        content: dict[str, dict[str, object]] = {"": {}, "v1": {}, "v2": {}}
        for name, value in list(self.values.items()):
            group, _, field = name.rpartition(".")
            try:
                msgspec.convert({group: {field: value}} if group else {field: value}, ApiProfile)
            except msgspec.ValidationError:
                self.withdraw("a profile cannot hold what was seen", name)
            else:
                content[group][field] = value
        return msgspec.convert(content.pop("") | content, ApiProfile)
