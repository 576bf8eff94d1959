"""Profiles: settings in a file that refers to secrets, and what is wrong with one."""

from __future__ import annotations

import json

import keyring
import keyring.errors
import pytest
from keyring.backend import KeyringBackend

from heymarket_async.api_profile import ApiProfile
from heymarket_async.cli import profiles

SECRETS = 'secret_id = { env = "OUR_ID" }\nsecret_key = { env = "OUR_KEY" }\n'


class Memory(KeyringBackend):
    """A keyring in memory."""

    priority = 1

    def __init__(self) -> None:
        self.kept: dict[tuple[str, str], str] = {}
        self.is_locked = False

    def get_password(self, service: str, username: str) -> str | None:
        if self.is_locked:
            raise keyring.errors.KeyringLocked("the password is pa55")
        return self.kept.get((service, username))

    def set_password(self, service: str, username: str, password: str) -> None:
        self.kept[service, username] = password


@pytest.fixture
def memory():
    before, memory = keyring.get_keyring(), Memory()
    keyring.set_keyring(memory)
    yield memory
    keyring.set_keyring(before)


@pytest.fixture
def config(tmp_path, sandbox):
    """Write a profile into a file, with the sandbox as its server."""

    def config(text: str, name: str = "staging"):
        path = tmp_path / "config.toml"
        path.write_text(f'[{name}]\nbase_url = "{sandbox.url}"\n{text}', encoding="utf-8")
        return path

    return config


@pytest.fixture
def secrets(sandbox):
    """The secrets of the sandbox in variables that only a profile can know."""
    return {
        "OUR_ID": sandbox.credentials.secret_id,
        "OUR_KEY": sandbox.credentials.secret_key,
        # Of another account, which must not be mixed in.
        "HEYMARKET_BASE_URL": "http://127.0.0.1:1",
        "HEYMARKET_API_KEY": "of another account",
    }


def test_a_profile_is_used_by_name(run, config, secrets):
    path = config(SECRETS)

    first = run("--profile", "staging", "--config", path, "contacts", "count", env=secrets)
    last = run("contacts", "count", "--profile", "staging", "--config", path, env=secrets)
    env = {**secrets, "HEYMARKET_PROFILE": "staging"}
    del env["HEYMARKET_BASE_URL"], env["HEYMARKET_API_KEY"]
    by_variable = run("contacts", "--config", path, "count", env=env)

    assert first.stdout == last.stdout == by_variable.stdout == "130\n"


def test_an_option_wins_over_the_variable(run, config, secrets):
    path = config(SECRETS)
    env = {**secrets, "HEYMARKET_PROFILE": "other"}

    assert run("--profile", "staging", "--config", path, "whoami", env=env).exit_code == 0


@pytest.mark.parametrize(
    "variable",
    ["HEYMARKET_BASE_URL", "HEYMARKET_SECRET_ID", "HEYMARKET_SECRET_KEY", "HEYMARKET_API_KEY"],
)
def test_variables_name_a_profile_or_an_account(variable, run, config, secrets, sandbox):
    path = config(SECRETS)
    ours = {name: value for name, value in secrets.items() if name.startswith("OUR_")}
    env = {**ours, "HEYMARKET_PROFILE": "staging", variable: "of a sandbox"}

    result = run("--config", path, "contacts", "create", "--phone", "15105550199", env=env)
    named = run("--config", path, "--profile", "staging", "contacts", "count", env=env)

    assert (result.exit_code, named.stdout) == (2, "130\n")
    assert result.stderr == (
        f"Error: HEYMARKET_PROFILE and {variable} are both set. Unset one, or use --profile NAME.\n"
    )
    assert not [each for each in sandbox.requests if each.path == "/v1/contact"]


def test_a_sandbox_needs_no_profile(run):
    env = {"HEYMARKET_PROFILE": "nowhere"}

    assert run("contacts", "count", "--sandbox", "7", env=env).stdout == "7\n"


def test_without_a_profile_no_file_is_read(run, tmp_path):
    assert run("whoami", env={"XDG_CONFIG_HOME": str(tmp_path)}).stderr.startswith("Error: No cre")


def test_profiles_are_in_the_folder_of_the_platform(run, config, secrets, tmp_path, monkeypatch):
    place = tmp_path / "heymarket" / "config.toml"
    place.parent.mkdir()
    config(SECRETS).rename(place)
    monkeypatch.setattr(profiles, "default_path", profiles.default_path)
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    assert profiles.default_path().name == "config.toml"

    if profiles.default_path() == place:  # as on Linux
        assert run("--profile", "staging", "contacts", "count", env=secrets).stdout == "130\n"


def test_a_keyring_holds_the_secrets(run, config, secrets, memory, sandbox):
    path = config(
        'secret_id = { keyring = "heymarket", user = "id" }\n'
        'secret_key = { keyring = "heymarket", user = "key" }'
    )
    memory.set_password("heymarket", "id", secrets.pop("OUR_ID"))
    memory.set_password("heymarket", "key", secrets.pop("OUR_KEY"))

    assert run("--profile", "staging", "--config", path, "whoami", env=secrets).exit_code == 0
    checks = json.loads(
        run("--profile", "staging", "--config", path, "doctor", "--json", env=secrets).stdout
    )["checks"]
    found = {each["check"]: each["text"] for each in checks}
    assert found["profile"] == f"'staging' of {path}"
    assert found["credentials"] == "secret_id from the keyring, secret_key from the keyring"
    assert found["account"] == "Sandbox Team (team 7001)"


def test_an_api_key_may_be_referred_to(run, config, sandbox):
    path = config('api_key = { env = "OUR_KEY" }')

    env = {"OUR_KEY": sandbox.api_key}
    assert run("--profile", "staging", "--config", path, "whoami", env=env).exit_code == 0


WRONG = {
    'secret_id = "abc"\nsecret_key = "geheim"': "secret_id must not be in the file itself. Refer to"
    ' it: secret_id = { env = "NAME" }, or secret_id = { keyring = "heymarket", user = "NAME" }.',
    'secret_id = { env = "OUR_ID" }\nsecret_key = "geheim"': "secret_key must not be in the file",
    'store = "redis://:geheim@127.0.0.1:6379/0"\n' + SECRETS: "store must not hold a password.",
    'store = "redis://127.0.0.1/0?password=geheim"\n' + SECRETS: "store must not hold a password.",
    'store = "rediss://127.0.0.1/0?ssl_password=geheim"\n'
    + SECRETS: "store must not hold a password.",
    'store = "redis://127.0.0.1:6379/0"\nshare = "x"\n'
    + SECRETS: "share must be a number, such as",
    'store = "redis://127.0.0.1:6379/0"\nfallback = true\n' + SECRETS: "fallback must be a number,",
    'store = "redis://127.0.0.1:6379/x"\n' + SECRETS: "store must end in the number of a database",
    'store = "redis://127.0.0.1:6379/0"\nshare = 2\n' + SECRETS: "share must be above 0",
    "share = 0.5\nfallback = 0.1\n" + SECRETS: "share and fallback need store",
    "fallback = 0.1\n" + SECRETS: "fallback needs store",
    'secret_id = { env = "OUR_ID" }': "it needs secret_id and secret_key, or api_key alone.",
    'api_key = { env = "OUR_ID" }\n' + SECRETS: "it needs secret_id and secret_key, or api_key al",
    'secret_ky = { env = "OUR_ID" }': "secret_ky is not known. Did you mean secret_key?\n",
    "colour = 1": "colour is not known. There are secret_id, secret_key, api_key, base_url",
    'api_key = { environment = "A" }': "environment is not known. There are env, keyring, user.",
    'api_key = { keyring = "A" }': "api_key must name one place. Refer to it: api_key =",
    "api_key = { env = 1 }": "api_key.env must be a text.",
    'api_key = { env = "hm_live_geheim" }': "api_key: env must be the name of a variable, such as"
    " STAGING_KEY, not the secret itself.",
    'api_key = { env = "OUR_KEY " }': "api_key: env must be the name of a variable",
    'api_key = { env = "NOT_SET" }': "api_key is read from the variable NOT_SET, which is not set.",
    'api_key = { env = "BLANK" }': "api_key is read from the variable BLANK, which is not set.",
    'api_key = { env = "PADDED" }': "api_key must be text without white space",
}


@pytest.mark.parametrize(("text", "problem"), WRONG.items())
def test_a_profile_that_breaks_a_rule_is_refused(text, problem, run, config, secrets, sandbox):
    path = config(text)

    result = run(
        "--profile",
        "staging",
        "--config",
        path,
        "whoami",
        env={**secrets, "BLANK": " ", "PADDED": " geheim"},
    )

    assert result.exit_code == 2
    assert result.stderr.startswith(f"Error: profile 'staging' of {path}: {problem}")
    assert len(result.stderr.splitlines()) == 1
    assert "geheim" not in result.output
    assert not sandbox.requests


def test_a_profile_of_the_api_is_found_beside_the_file(run, config, secrets):
    path = config(f'{SECRETS}api_profile = "api.json"')
    command = ("--profile", "staging", "--config", path, "contacts", "count")

    missing = run(*command, env=secrets)
    (path.parent / "api.json").write_text('{"version":1,"v1":' + '{"v1":' * 50_000)
    wrong = run(*command, env=secrets)
    checked = run(*command[:4], "doctor", env=secrets)
    ApiProfile().save(path.parent / "api.json")
    right = run(*command, env=secrets)

    assert (missing.exit_code, wrong.exit_code, right.exit_code) == (1, 2, 0)
    assert missing.stderr == f"Error: {path.parent / 'api.json'} does not exist.\n"
    assert "holds no profile of the API (it is nested too deeply)" in wrong.stderr
    assert (checked.exit_code, len(wrong.stderr.splitlines())) == (1, 1)
    assert "nested too deeply" in checked.stdout
    assert right.stdout == "130\n"


def test_a_base_url_is_checked(run, tmp_path, secrets):
    path = tmp_path / "c.toml"
    path.write_text(f'[a]\nbase_url = "http://api.heymarket.com"\n{SECRETS}')

    result = run("--profile", "a", "--config", path, "whoami", env=secrets)

    assert result.stderr.startswith(f"Error: profile 'a' of {path}: base_url must be https")


FILES = {
    "a = 1\n[staging]": "a is outside of a profile. Put it below [staging].",
    "[a]\n[b]": "has no profile 'staging'. It has a, b.",
    "": "has no profile 'staging'. It is empty.",
    "[a": "cannot be read as TOML: Expected ']' at the end of a table declaration",
    b"\xff": "cannot be read as TOML: it is not UTF-8.",
    f"[{'b' * 9000}]": "has no profile 'staging'. It has bbb",
    f"{'b' * 9000} = 1": "bbb… is outside of a profile.",
    f"[staging]\n{'b' * 9000} = 1": "profile 'staging'",
    "[a]\nb = " + "[" * 9000: "cannot be read as TOML: it is nested too deeply.",
}


@pytest.mark.parametrize(("text", "problem"), FILES.items())
def test_a_file_that_cannot_be_used_is_refused(text, problem, run, tmp_path):
    path = tmp_path / "c.toml"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())

    result = run("--profile", "staging", "--config", path, "whoami")

    assert result.exit_code == 2
    assert str(path) in result.stderr.splitlines()[0]
    assert problem in result.stderr
    assert len(result.stderr) < 2000


def test_a_file_that_is_not_there(run, tmp_path):
    path = tmp_path / "c.toml"

    result = run("--profile", "staging", "--config", path, "whoami")

    assert (result.exit_code, result.stderr) == (
        1,
        f"Error: {path} does not exist. Write the profile 'staging' into it, or name another file"
        " with --config.\n",
    )
    assert "problem profile" in run("--profile", "staging", "--config", path, "doctor").stdout


@pytest.mark.parametrize(
    ("arguments", "env", "problem"),
    [
        (["--config", "c.toml"], {}, "--config needs --profile NAME"),
        (["--profile", ""], {}, "--profile is empty. Give it a name, or leave it out."),
        (["--profile", " "], {"HEYMARKET_PROFILE": "staging"}, "--profile is empty. Give it"),
        ([], {"HEYMARKET_PROFILE": " "}, "HEYMARKET_PROFILE is set, but empty."),
    ],
)
def test_a_profile_must_be_named(arguments, env, problem, run, environment, sandbox):
    # The environment has an account, which must not be used instead.
    before = run(*arguments, "whoami", env={**environment, **env})
    after = run("whoami", *arguments, env={**environment, **env})

    assert (before.exit_code, after.exit_code) == (2, 2)
    assert before.stderr == after.stderr
    assert before.stderr.startswith(f"Error: {problem}")
    assert not sandbox.requests


KEYRING = 'api_key = { keyring = "heymarket", user = "ours" }'


@pytest.mark.parametrize(
    ("is_locked", "problem"),
    [
        (
            False,
            "the keyring has no password of 'ours' for 'heymarket'. Store it with: keyring set",
        ),
        (True, "the keyring cannot be read (KeyringLocked). Unlock it, or use a variable"),
    ],
)
def test_a_keyring_that_does_not_help(is_locked, problem, run, config, memory):
    memory.is_locked = is_locked

    result = run("--profile", "staging", "--config", config(KEYRING), "whoami")

    assert (result.exit_code, "pa55" in result.output) == (2, False)
    assert f"api_key: {problem}" in result.stderr


def test_a_keyring_that_is_not_installed(run, config, monkeypatch):
    monkeypatch.setattr(profiles, "find_spec", lambda name: None)

    result = run("--profile", "staging", "--config", config(KEYRING), "whoami")

    assert "api_key is in the keyring, which needs the extra keyring: pip install keyring" in (
        result.stderr
    )


@pytest.mark.parametrize("store", ['"{url}"', '{{ env = "STORE" }}'])
def test_a_store_of_a_profile_is_used(store, run, config, secrets):
    url = "redis://127.0.0.1:1/0"
    path = config(f"{SECRETS}store = {store.format(url=url)}\nfallback = 0.02\nshare = 0.5\n")
    # Of the environment: not read, because the profile names a store.
    env = {**secrets, "STORE": url, "HEYMARKET_STORE": "no URL"}

    result = run("--profile", "staging", "--config", path, "contacts", "count", env=env)
    checks = run("--profile", "staging", "--config", path, "doctor", env=env).stdout

    assert result.stdout == "130\n"
    assert "at most 10 requests a minute" in result.stderr
    assert "shared in the store of the profile" in checks
    assert "cannot be used: connection refused" in checks
