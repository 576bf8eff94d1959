"""`heymarket sandbox --credentials FILE`: the same credentials in the next start."""

from __future__ import annotations

import stat

import pytest
import typer

from heymarket_async.cli import show


@pytest.fixture
def printed(run, monkeypatch):
    """Start a sandbox, end it once it serves, and return the credentials that it prints."""

    def printed(*options):
        found = []

        def end(environment):
            found.append(environment)
            raise typer.Exit

        monkeypatch.setattr(show, "print_json", end)
        assert run("sandbox", "--port", 0, "--json", *options).exit_code == 0
        return [found[0]["HEYMARKET_SECRET_ID"], found[0]["HEYMARKET_SECRET_KEY"]]

    return printed


def test_a_sandbox_keeps_its_credentials_in_a_file_if_asked(printed, environment, tmp_path):
    path = tmp_path / "sandbox.json"

    first = printed("--credentials", path)

    assert printed("--credentials", path) == first
    assert printed() != first
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert not {*first} & {*environment.values()}  # which may be those of a real account


@pytest.mark.parametrize("text", ["", "HEYMARKET_SECRET_KEY=a", '["id", "key", 5]', '["id", 5]'])
def test_a_file_that_holds_something_else_is_refused_and_stays(text, run, tmp_path):
    path = tmp_path / "other"
    path.write_text(text)

    result = run("sandbox", "--port", 0, "--credentials", path)

    assert result.exit_code == 2
    assert f"{path} holds no credentials of a sandbox" in result.stderr
    assert path.read_text() == text
