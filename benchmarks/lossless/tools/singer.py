"""Singer: a tap of Meltano's SDK, with its JSONPath paginator.

Targets write a contact over the one with the same key, so the version that arrives last counts.

https://sdk.meltano.com/en/latest/guides/pagination-classes.html
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import requests
from singer_sdk import RESTStream, Stream, Tap
from singer_sdk import typing as th
from singer_sdk.authenticators import BearerTokenAuthenticator
from singer_sdk.pagination import JSONPathPaginator

from benchmarks.lossless.tools import Job, stdout_to


class UntilShortPage(JSONPathPaginator):
    def __init__(self, jsonpath: str, page: int) -> None:
        super().__init__(jsonpath)
        self._page = page

    def has_more(self, response: requests.Response) -> bool:
        return len(response.json()) >= self._page


class ContactsStream(RESTStream[str]):
    name = "contacts"
    path = "/v1/contacts"
    http_method = "POST"
    payload_as_json = True
    primary_keys = ("id",)
    records_jsonpath = "$[*]"
    schema = th.PropertiesList(
        th.Property("id", th.IntegerType),
        th.Property("rev", th.IntegerType),
        th.Property("updated", th.DateTimeType),
        th.Property("display_name", th.StringType),
        th.Property("phone", th.StringType),
        th.Property("email", th.StringType),
    ).to_dict()

    @property
    def url_base(self) -> str:
        return str(self.config["url"])

    @property
    def authenticator(self) -> BearerTokenAuthenticator:
        return BearerTokenAuthenticator(token=self.config["key"])

    def get_new_paginator(self) -> JSONPathPaginator:
        path = "$[-1].updated"
        if self.config["ends_at_short_page"]:
            return UntilShortPage(path, self.config["page"])
        return JSONPathPaginator(path)

    def prepare_request_payload(self, context: object, next_page_token: str | None) -> Any:  # noqa: ARG002 - the SDK names it
        limit = {"limit": self.config["limit"]} if "limit" in self.config else {}
        return limit if next_page_token is None else {**limit, "date": next_page_token}


class TapHeymarket(Tap):
    name = "tap-heymarket"
    config_jsonschema = th.PropertiesList(
        th.Property("url", th.StringType, required=True),
        th.Property("key", th.StringType, required=True, secret=True),
        th.Property("limit", th.IntegerType),
        th.Property("page", th.IntegerType, required=True),
        th.Property("ends_at_short_page", th.BooleanType, required=True),
    ).to_dict()

    def discover_streams(self) -> list[Stream]:
        return [ContactsStream(self)]


def read(job: Job) -> dict[int, int]:
    config, messages = Path(job.folder) / "config.json", Path(job.folder) / "messages.jsonl"
    settings = {"page": job.page, "ends_at_short_page": job.ends_at_short_page, **job.limit}
    config.write_text(json.dumps({"url": job.url, "key": job.key, **settings}))
    with stdout_to(messages):
        TapHeymarket.cli(["--config", str(config)], standalone_mode=False)
    with messages.open() as lines:
        records = (each["record"] for each in map(json.loads, lines) if each["type"] == "RECORD")
        return {record["id"]: record["rev"] for record in records}
