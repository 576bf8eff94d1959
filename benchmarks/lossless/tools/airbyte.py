"""Airbyte: a source in low-code YAML, run by the command `source-declarative-manifest`.

Its destinations keep the newest version of a contact, by primary key and cursor ("append +
deduped").
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

from airbyte_cdk.cli.source_declarative_manifest import run

from benchmarks.lossless.tools import Job, stdout_to

MANIFEST = Path(__file__).with_suffix(".yaml")
CATALOG = {
    "streams": [
        {
            "stream": {
                "name": "contacts",
                "json_schema": {"type": "object"},
                "supported_sync_modes": ["full_refresh"],
                "source_defined_primary_key": [["id"]],
            },
            "sync_mode": "full_refresh",
            "destination_sync_mode": "append_dedup",
            "cursor_field": ["updated"],
            "primary_key": [["id"]],
        }
    ]
}


def read(job: Job) -> dict[int, int]:
    folder = Path(job.folder)
    config = {
        "url": job.url,
        "key": job.key,
        "page_size": job.page,
        "ends_at_short_page": job.ends_at_short_page,
        **job.limit,
    }
    files = {"--config": config, "--catalog": CATALOG}
    for option, content in files.items():
        (folder / f"{option[2:]}.json").write_text(json.dumps(content))
    options = [text for option in files for text in (option, str(folder / f"{option[2:]}.json"))]
    with stdout_to(folder / "messages.jsonl"):
        sys.argv[1:] = ["read", *options, "--manifest-path", str(MANIFEST)]
        run()  # the function behind the command, which reads its arguments there
    return newest(folder / "messages.jsonl")


def newest(messages: Path) -> dict[int, int]:
    contacts: dict[int, dict[str, Any]] = {}
    with messages.open() as lines:
        for message in map(json.loads, lines):
            if message["type"] == "RECORD":
                contact = message["record"]["data"]
                known = contacts.get(contact["id"], contact)
                contacts[contact["id"]] = max(known, contact, key=lambda each: each["updated"])
    return {contact_id: contact["rev"] for contact_id, contact in contacts.items()}
