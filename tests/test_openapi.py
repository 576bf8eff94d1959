"""The description of the contact calls fits the sandbox, and says enough for a mock server."""

from __future__ import annotations

import yaml

from heymarket_async.sandbox import server
from tests.test_documents import ROOT

DESCRIPTION = yaml.safe_load((ROOT / "benchmarks" / "openapi.yaml").read_text())
OPERATIONS = {
    f"{method.upper()} {path}": operation
    for path, operations in DESCRIPTION["paths"].items()
    for method, operation in operations.items()
    if method != "parameters"
}


def test_every_call_is_one_of_the_sandbox():
    assert len(OPERATIONS) == 6
    assert OPERATIONS.keys() <= server.ROUTES.keys()


def test_every_call_has_the_errors_that_heymarket_documents():
    for name, operation in OPERATIONS.items():
        assert {"200", "400", "401", "403", "429"} <= operation["responses"].keys(), name


def test_a_call_that_names_a_contact_may_not_find_it():
    names_one = {name for name in OPERATIONS if "{id}" in name or name.endswith("/get")}

    assert names_one == {name for name, each in OPERATIONS.items() if "404" in each["responses"]}


def test_times_are_marked_as_times():
    fields = [
        field
        for schema in DESCRIPTION["components"]["schemas"].values()
        for name, field in schema.get("properties", {}).items()
        if name in {"created", "updated", "date"}
    ]

    assert len(fields) == 6
    assert {field["format"] for field in fields} == {"date-time"}
