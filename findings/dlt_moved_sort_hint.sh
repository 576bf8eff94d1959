#!/usr/bin/env bash
# Versions: dlt 1.31.0, with duckdb 2.0.1.
# Seen: the column hint `dedup_sort` stays in a pipeline's schema when a later version of the resource no
#   longer gives it. If that version gives it to another column, there are two, and the run fails when
#   it loads: "Found multiple "dedup_sort" column hints ... while only one is allowed". To take a hint
#   away, it must be set to None. But once a run has failed, that comes too late: its package is kept,
#   and every later run loads it first, with the schema of then, and reads nothing new. It takes
#   `abort_packages()`, which also throws away the rows that were read.
# Guessed: that the hints of a table are those that the code gives today, and that code which was
#   corrected makes a pipeline work again.
# Matters: contacts come in several versions, of which the hint picks the newest. A release of a source
#   that picks by another column works for all new pipelines, and in each test, and stops all those that
#   exist. A user cannot get out by taking the next release. So it must be None from the first on.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install -q --disable-pip-version-check "dlt[duckdb]==1.31.0" duckdb==2.0.1
export RUNTIME__DLTHUB_TELEMETRY=false RUNTIME__LOG_LEVEL=CRITICAL DLT_DATA_DIR="$folder/dlt"
cd "$folder"
"$folder/venv/bin/python" - <<'END'
import sys

import dlt
from dlt.pipeline.exceptions import PipelineStepFailed

ROWS = [
    {"id": 1, "updated": 10, "rev": 3, "name": "old, with a high rev"},
    {"id": 1, "updated": 20, "rev": 1, "name": "new, with a low rev"},
]
BY_REV = {"rev": {"dedup_sort": "desc"}}
BY_TIME = {"updated": {"dedup_sort": "desc"}}
BY_TIME_ONLY = {"updated": {"dedup_sort": "desc"}, "rev": {"dedup_sort": None}}


def pipeline(name: str) -> dlt.Pipeline:
    place = dlt.destinations.duckdb(f"{name}.duckdb")
    return dlt.pipeline(name, destination=place, dataset_name="crm", pipelines_dir="pipelines")


def run(name: str, columns: dict) -> str:
    here = pipeline(name)
    reads = 0

    @dlt.resource(name="contact", primary_key="id", write_disposition="merge", columns=columns)
    def contact():
        nonlocal reads
        reads += 1
        yield ROWS

    try:
        here.run(contact())
        failed = ""
    except PipelineStepFailed as error:
        if "multiple \"dedup_sort\"" not in str(error):
            raise
        failed = f"fails at {error.step}, "
    with here.sql_client() as client:
        ((kept,),) = client.execute_sql("SELECT name FROM contact")
    read = "read" if reads else "read nothing"
    return f"{read}, {failed}has: {kept}"


seen = []


def note(what: str, outcome: str) -> None:
    seen.append(outcome)
    print(f"{what:42} {outcome}")


OLD, NEW = (row["name"] for row in ROWS)
note("new pipeline, hint on updated", run("fresh", BY_TIME))
note("pipeline with the hint on rev", run("moved", BY_REV))
note("  then no hint at all", run("moved", {}))
note("  then on updated", run("moved", BY_TIME))
note("  then on updated, None on rev", run("moved", BY_TIME_ONLY))
pipeline("moved").abort_packages()
note("  the same, after abort_packages()", run("moved", BY_TIME_ONLY))
note("another with the hint on rev", run("careful", BY_REV))
note("  then at once on updated, None on rev", run("careful", BY_TIME_ONLY))
expected = [
    f"read, has: {NEW}",
    f"read, has: {OLD}",
    f"read, has: {OLD}",
    f"read, fails at load, has: {OLD}",
    f"read nothing, fails at load, has: {OLD}",
    f"read, has: {NEW}",
    f"read, has: {OLD}",
    f"read, has: {NEW}",
]
if seen != expected:
    sys.exit("the behaviour changed")
END
