"""Runs the doctor."""

from __future__ import annotations

import json
import os
import subprocess

import pytest

from tests.cli.conftest import COMMAND

HEYMARKET = {"HEYMARKET_BASE_URL": "https://api.heymarket.com"}


@pytest.fixture(autouse=True)
def no_settings_from_outside(monkeypatch):
    for name in list(os.environ):
        if name.startswith(("HEYMARKET_", "SSL_CERT_")) or name.lower().endswith("_proxy"):
            monkeypatch.delenv(name)


@pytest.fixture
def examine(run, environment):
    """Run the doctor, and return its exit code and its checks by name."""

    def examine(**changes: str | None) -> tuple[int, dict[str, dict[str, str]]]:
        env = {**environment, **changes}
        result = run("doctor", "--json", env={name: env[name] for name in env if env[name]})
        found = json.loads(result.stdout)
        assert result.exit_code == (0 if found["ok"] else 1)
        return result.exit_code, {each["check"]: each for each in found["checks"]}

    return examine


def problems(checks) -> dict[str, str]:
    """The problems by check, each with its remedy."""
    return {
        name: f"{each['text']} {each['remedy']}".rstrip()
        for name, each in checks.items()
        if each["state"] == "problem"
    }


def doctor(environment, **changes) -> dict[str, dict[str, str]]:
    """Run the doctor as a process: aiohttp reads the trusted certificates when it is imported."""
    done = subprocess.run(
        [*COMMAND, "doctor", "--json"],
        env={**os.environ, **environment, **changes},
        capture_output=True,
        check=False,
    )
    assert done.returncode == 1, done.stderr
    return problems({each["check"]: each for each in json.loads(done.stdout)["checks"]})
