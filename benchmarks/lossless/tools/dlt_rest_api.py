"""dlt: the `rest_api` source with the cursor paginator, merged into DuckDB.

Of versions of one contact, `dedup_sort` keeps the newest. No option stops at a short page, so that
is a paginator of one's own, as the documentation suggests for APIs with other rules.

https://dlthub.com/docs/dlt-ecosystem/verified-sources/rest_api/basic
https://dlthub.com/docs/general-usage/http/rest-client
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import dlt
from dlt.sources.helpers.rest_client.paginators import JSONResponseCursorPaginator
from dlt.sources.rest_api import rest_api_source
from requests import Response

from benchmarks.lossless.tools import Job


class UntilShortPage(JSONResponseCursorPaginator):
    def __init__(self, page: int, **options: Any) -> None:
        super().__init__(**options)
        self._page = page

    def update_state(self, response: Response, data: list[Any] | None = None) -> None:
        super().update_state(response, data)
        if len(data or ()) < self._page:
            self._has_next_page = False


def read(job: Job) -> dict[int, int]:
    pipeline = dlt.pipeline(
        "heymarket",
        destination=dlt.destinations.duckdb(str(Path(job.folder) / "contacts.duckdb")),
        dataset_name="crm",
        pipelines_dir=job.folder,
    )
    pipeline.run(source(job)).raise_on_failed_jobs()
    with pipeline.sql_client() as client:
        return dict(client.execute_sql("SELECT id, rev FROM contacts") or ())


def source(job: Job) -> Any:
    cursor = {"cursor_path": "[-1].updated", "cursor_body_path": "date"}
    return rest_api_source(
        {
            "client": {
                "base_url": job.url,
                "auth": {"type": "bearer", "token": job.key},
                "paginator": UntilShortPage(job.page, **cursor)
                if job.ends_at_short_page
                else {"type": "cursor", **cursor},
            },
            "resources": [
                {
                    "name": "contacts",
                    "primary_key": "id",
                    "write_disposition": "merge",
                    "columns": {"updated": {"dedup_sort": "desc"}},
                    "endpoint": {
                        "path": "v1/contacts",
                        "method": "POST",
                        "json": {**job.limit},
                        "data_selector": "$",
                    },
                }
            ],
        }
    )
