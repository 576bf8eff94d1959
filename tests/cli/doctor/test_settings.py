"""`heymarket doctor` finds each broken set-up, and says the remedy."""

from __future__ import annotations

import json
import sys
from importlib import metadata

import pytest

from heymarket_async.cli.doctor import packages
from tests.cli.doctor.conftest import problems
from tests.ports import free_port
from tests.redis_server import RIGHTS, RedisServer


def test_a_set_up_that_works_is_ok(examine, sandbox):
    code, checks = examine()

    assert (code, {each["state"] for each in checks.values()}) == (0, {"ok"})
    assert checks["account"]["text"] == "Sandbox Team (team 7001)"
    assert checks["credentials"]["text"] == "HEYMARKET_SECRET_ID and HEYMARKET_SECRET_KEY"
    assert checks["server"]["text"] == sandbox.url
    assert {(each.method, each.path) for each in sandbox.requests} == {("GET", "/v1/team")}


def test_each_check_is_one_line_however_narrow_the_terminal_is(run, environment):
    env = {**environment, "HEYMARKET_SECRET_KEY": "", "COLUMNS": "30"}
    checks = json.loads(run("doctor", "--json", env=env).stdout)["checks"]

    shown = run("doctor", env=env)

    assert shown.exit_code == 1
    assert shown.stdout.splitlines() == [
        f"{each['state']:<8}{each['check']:<12}{each['text']} {each['remedy']}".rstrip()
        for each in checks
    ]


def test_nothing_shows_a_secret(run, environment, sandbox):
    sandbox.faults.answer(401, times=None, body={"message": environment["HEYMARKET_SECRET_KEY"]})
    store = "redis://user:geheim@127.0.0.1:1/0"

    result = run("doctor", env={**environment, "HEYMARKET_STORE": store})

    assert environment["HEYMARKET_SECRET_KEY"] not in result.output
    assert environment["HEYMARKET_SECRET_ID"] not in result.output
    assert "geheim" not in result.output


def test_no_credentials(examine, sandbox):
    code, checks = examine(HEYMARKET_SECRET_ID=None, HEYMARKET_SECRET_KEY=None)

    assert code == 1
    assert problems(checks)["credentials"].startswith("No credentials are set. Set HEYMARKET_SECR")
    assert {checks[name]["state"] for name in ("connection", "account", "clock")} == {"skipped"}
    assert not sandbox.requests


@pytest.mark.parametrize("missing", ["HEYMARKET_SECRET_ID", "HEYMARKET_SECRET_KEY"])
def test_half_of_the_credentials(missing, examine):
    _, checks = examine(**{missing: None})

    assert problems(checks) == {
        "credentials": f"{missing} is not set. A secret needs both its id and its key."
    }


@pytest.mark.parametrize("changes", [{}, {"HEYMARKET_API_KEY": "k"}])
def test_a_wrong_secret(changes, examine):
    _, checks = examine(HEYMARKET_SECRET_KEY="wrong" * 10, **changes)

    assert checks["connection"]["state"] == "ok"
    assert problems(checks)["account"].startswith(
        "Heymarket refuses the credentials (401). Compare them with Settings, Integrations, API"
    )
    assert ("HEYMARKET_API_KEY is set too" in checks["credentials"]["text"]) is bool(changes)


def test_an_api_key(examine, sandbox):
    _, checks = examine(
        HEYMARKET_SECRET_ID=None, HEYMARKET_SECRET_KEY=None, HEYMARKET_API_KEY=sandbox.api_key
    )

    assert problems(checks) == {}
    assert checks["credentials"]["text"] == "HEYMARKET_API_KEY"


@pytest.mark.parametrize(("wrong_s", "side"), [(600, "behind"), (-600, "ahead of")])
def test_a_clock_that_is_off_by_ten_minutes(wrong_s, side, examine, sandbox):
    sandbox.faults.clock_offset_s = wrong_s

    code, checks = examine()

    assert code == 1
    assert checks["account"]["state"] == "ok"  # signed anew with the time of the answer
    assert problems(checks) == {
        "clock": f"The clock of this machine is 10.0 minutes {side} Heymarket's. Set it, and keep"
        " it right with NTP: tokens are valid for five minutes."
    }


def test_a_store_that_is_away(examine):
    _, checks = examine(HEYMARKET_STORE=f"redis://127.0.0.1:{free_port()}/0")

    assert checks["account"]["state"] == "ok"
    assert problems(checks) == {
        "store": "The rate limit store cannot be used: connection refused. Start or mend it, or"
        " correct its URL. Without it, each process keeps to a part of the limit."
    }


@pytest.mark.own_redis
def test_a_store_and_its_rights(examine):
    with RedisServer() as server:
        _, checks = examine(HEYMARKET_STORE=server.url)
        server.run("ACL", "SETUSER", "few", "on", ">pw", *RIGHTS, "-hset")
        _, refused = examine(HEYMARKET_STORE=server.url_of("few:pw"))

    assert checks["store"]["text"] == "reachable, and it runs scripts"
    assert problems(checks) == {}
    assert "cannot be used: its user has no right to" in problems(refused)["store"]


def test_a_missing_extra(examine, monkeypatch):
    monkeypatch.setitem(sys.modules, "redis", None)

    _, checks = examine(HEYMARKET_STORE="redis://127.0.0.1:1/0")

    assert problems(checks) == {
        "rate limit": "HEYMARKET_STORE needs the extra redis: pip install redis"
    }


def installed(folder, name: str, version: str, *needs: str) -> None:
    """Make it look as if a package were installed."""
    place = folder / f"{name.replace('-', '_')}-{version}.dist-info"
    place.mkdir()
    lines = ["Metadata-Version: 2.4", f"Name: {name}", f"Version: {version}"]
    lines += [f"Requires-Dist: {each}" for each in needs]
    (place / "METADATA").write_text("\n".join(lines))


def test_a_dependency_that_is_too_old_or_missing(examine, tmp_path, monkeypatch):
    needs = ("aiohttp>=3.14", "nowhere-to-be-found>=2", "redis>=5.2; extra == 'redis'",
             "no-such-sheet>=1; extra == 'xlsx'", "pytest>=999; extra == 'test'")  # fmt: skip
    installed(tmp_path, "heymarket-async", "9.9", *needs)
    installed(tmp_path, "aiohttp", "3.9.0")
    installed(tmp_path, "redis", "4.0")
    monkeypatch.syspath_prepend(tmp_path)

    _, checks = examine()

    assert problems(checks) == {
        "package": "aiohttp 3.9.0, nowhere-to-be-found is missing: too old. Run: pip install"
        " --upgrade 'aiohttp>=3.14' 'nowhere-to-be-found>=2'",
        "extras": "redis 4.0: too old. Run: pip install --upgrade 'redis>=5.2'",
    }


def test_extras_that_are_not_installed_are_no_problem(examine, tmp_path, monkeypatch):
    installed(tmp_path, "heymarket-async", "9.9", "no-such-sheet>=1; extra == 'xlsx'")
    monkeypatch.syspath_prepend(tmp_path)

    _, checks = examine()

    assert problems(checks) == {}
    assert checks["extras"]["text"].endswith("Not installed: xlsx (exports to .xlsx)")


def test_an_extra_whose_packages_are_for_other_versions_of_python(examine, tmp_path, monkeypatch):
    needs = (
        "nowhere-to-be-found>=1; python_version < '3' and extra == 'dlt'",
        *(f"pytest; extra == '{each}'" for each in packages._EXTRAS if each != "dlt"),
    )
    installed(tmp_path, "heymarket-async", "9.9", *needs)
    monkeypatch.syspath_prepend(tmp_path)

    _, checks = examine()

    assert checks["extras"]["text"] == (
        "cli, import, xlsx, parquet, zst, redis, keyring. Not for this Python: dlt"
        " (heymarket_async.dlt)"
    )


def test_a_folder_that_is_not_installed(examine, monkeypatch):
    def requires(name: str) -> None:
        raise metadata.PackageNotFoundError(name)

    monkeypatch.setattr(metadata, "requires", requires)

    _, checks = examine()

    assert checks["package"]["text"].endswith("from a folder: versions are not checked")


def test_a_base_url_that_cannot_be_used(examine):
    _, checks = examine(HEYMARKET_BASE_URL="http://api.heymarket.com")

    assert problems(checks)["server"].startswith("HEYMARKET_BASE_URL must be https")
    assert checks["proxy"]["state"] == "skipped"


def test_a_slip_in_the_name_of_a_variable(examine):
    _, checks = examine(HEYMARKET_STOER="redis://127.0.0.1:1/0", HEYMARKET_DEV_SECRET_ID="x")

    assert problems(checks) == {
        "variables": "Nothing reads HEYMARKET_STOER. If it is HEYMARKET_STORE, correct its name."
    }
