"""Each command: what it sends, what it prints, and how it ends."""

from __future__ import annotations

import json
from itertools import takewhile
from pathlib import Path
from types import SimpleNamespace

import pytest
import typer
import typer.main

from heymarket_async import cli
from heymarket_async.bulk import JobError
from heymarket_async.cli import contacts, remedies, running
from heymarket_async.cli.app import app
from heymarket_async.version import __version__

GROUPS = ("contacts", "conversations", "messages", "webhooks")
TOP = typer.main.get_command(app).commands
COMMANDS = {
    (*group, name): command
    for group, commands in (
        ((), {name: TOP[name] for name in TOP if name not in GROUPS}),
        *(((group,), TOP[group].commands) for group in GROUPS),
    )
    for name, command in commands.items()
}
# It prints JSON in any case, and calls nobody.
LISTEN = ("webhooks", "listen")


def contact_of(sandbox, place: int = 0):
    return sandbox.store.contacts[place]


@pytest.mark.parametrize("command", COMMANDS, ids="-".join)
def test_every_command_explains_itself_and_speaks_json(command, run):
    result = run(*command, "--help")

    assert result.exit_code == 0
    assert ("--json" in result.stdout) is (command != LISTEN)
    assert ("--sandbox" in result.stdout) is (command not in {("sandbox",), ("doctor",), LISTEN})


def test_the_commands_are_those_that_were_promised():
    contacts = [
        "export",
        "import",
        "get",
        "find",
        "search",
        "create",
        "ensure",
        "update",
        "delete",
        "count",
    ]
    names = ["whoami", "fields", "sandbox", "sync", *(f"contacts {name}" for name in contacts)]
    names += ["messages send", "messages export", "messages count", "webhooks listen", "doctor"]
    names += ["conversations export", "conversations count", "probe"]

    assert sorted(map(" ".join, COMMANDS)) == sorted(names)


@pytest.mark.parametrize("name", COMMANDS, ids="-".join)
def test_every_command_is_documented_with_its_options(name):
    page = (Path(__file__).parents[2] / "docs" / "cli.md").read_text()

    assert f"`heymarket {' '.join(name)}" in page
    options = [
        option for each in COMMANDS[name].params for option in each.opts if option[:2] == "--"
    ]
    for option in set(options) - {"--help"}:
        assert option in page, option


def test_without_arguments_the_command_explains_itself(run):
    assert "contacts" in run().output
    assert run("--version").stdout == f"heymarket-async {__version__}\n"


def test_whoami_shows_the_team(run):
    team = json.loads(run("whoami", "--json").stdout)

    assert team["name"] in run("whoami").stdout


def test_fields_are_listed(run):
    fields = json.loads(run("fields", "--json").stdout)
    shown = run("fields").stdout

    assert fields
    for field in fields:
        assert str(field["id"]) in shown
        assert field["title"] in shown


def test_a_contact_is_got_by_either_id(run, sandbox):
    contact = contact_of(sandbox)

    by_id = run("contacts", "get", contact["id"], "--json")
    by_uuid = run("contacts", "get", contact["uuid"], "--json")

    assert by_id.exit_code == by_uuid.exit_code == 0
    assert json.loads(by_id.stdout)["id"] == json.loads(by_uuid.stdout)["id"] == contact["id"]
    assert contact["phone"] in run("contacts", "get", contact["id"]).stdout


def test_a_contact_is_found_by_phone(run, sandbox):
    contact = contact_of(sandbox, 3)

    found = run("contacts", "find", "--phone", "+" + contact["phone"], "--json")

    assert json.loads(found.stdout)["id"] == contact["id"]


def test_finding_nobody_ends_with_1(run):
    result = run("contacts", "find", "--phone", "19999999999")

    assert (result.exit_code, result.stdout) == (1, "")
    assert result.stderr == "No contact has this phone.\n"
    assert run("contacts", "find", "--phone", "19999999999", "--json").stdout == "null\n"


def test_contacts_are_searched_by_several_phones(run, sandbox):
    phones = [contact_of(sandbox, place)["phone"] for place in (1, 2)]
    options = [part for phone in phones for part in ("--phone", phone)]

    found = json.loads(run("contacts", "search", *options, "--json").stdout)
    table = run("contacts", "search", *options).stdout

    assert {contact["phone"] for contact in found} == set(phones)
    assert all(phone in table for phone in phones)
    assert table.splitlines()[0].split() == ["id", "display_name", "phone", "email", "updated"]


def test_what_a_contact_does_not_have_is_left_blank(run, sandbox):
    sandbox.faults.answer(200, body=[{"id": 7, "phone": None, "email": None}])

    row = run("contacts", "search", "--email", "j@a.example").stdout.splitlines()[1]

    assert row.split() == ["7"]


def test_a_contact_is_created_updated_and_deleted(run, sandbox):
    title = json.loads(run("fields", "--json").stdout)[0]["title"]
    options = ["--first", "Jordan", "--last", "Rivera", "--email", "j@a.example", "--tag", "5"]

    created = run(
        "contacts",
        "create",
        "--phone",
        "+15105553344",
        *options,
        "--custom",
        f"{title}=a=b",
        "--json",
    )
    contact_id = json.loads(created.stdout)["id"]
    stored = sandbox.store.get(contact_id)
    assert stored["phone"] == "15105553344"
    assert stored["first"] == "Jordan"
    assert stored["email"] == "j@a.example"
    assert list(stored["custom"].values()) == ["a=b"]

    options = ["--phone", "15105553344", "--last", ""]
    updated = run(
        "contacts", "update", contact_id, *options, "--custom", f"{title}=b", "--overwrite"
    )
    assert updated.exit_code == 0
    assert "rev" in updated.stdout
    assert sandbox.requests[-1].query == {"overwrite": "true"}
    assert sandbox.store.get(contact_id)["last"] == ""
    assert list(sandbox.store.get(contact_id)["custom"].values()) == ["b"]

    deleted = run("contacts", "delete", contact_id, "--yes", "--json")
    assert json.loads(deleted.stdout) == {"deleted": str(contact_id)}
    assert run("contacts", "get", contact_id).exit_code == 1


def test_a_contact_is_updated_and_deleted_by_its_uuid_too(run, sandbox):
    contact = contact_of(sandbox)

    updated = run(
        "contacts", "update", contact["uuid"], "--phone", contact["phone"], "--last", "X", "--json"
    )
    assert json.loads(updated.stdout)["id"] == contact["id"]
    assert sandbox.store.get(contact["id"])["last"] == "X"

    assert run("contacts", "delete", contact["uuid"], "--yes").exit_code == 0
    assert sandbox.store.get(contact["id"]) is None


@pytest.fixture
def in_terminal(monkeypatch):
    terminal = SimpleNamespace(isatty=lambda: True)
    monkeypatch.setattr(contacts, "sys", SimpleNamespace(stdin=terminal))


def test_an_interrupt_at_the_question_deletes_nothing(run, sandbox, in_terminal, monkeypatch):
    def interrupt(*args: object, **kwargs: object) -> None:
        raise typer.Abort

    monkeypatch.setattr(typer, "confirm", interrupt)

    result = run("contacts", "delete", contact_of(sandbox)["id"])

    assert (result.exit_code, result.stderr) == (130, "\n")
    assert not sandbox.requests


def test_without_a_terminal_a_deletion_is_not_asked_about_but_needs_yes(run, sandbox):
    result = run("contacts", "delete", contact_of(sandbox)["id"], input="y\n")

    assert result.exit_code == 2
    assert result.stderr.startswith(
        "Error: There is no terminal to ask in. Add --yes to confirm.\nTry "
    )
    assert not sandbox.requests


@pytest.mark.parametrize("answer", [["a", "b"], '"ok"', 5])
@pytest.mark.parametrize("options", [[], ["--json"]])
def test_an_answer_of_an_odd_shape_is_one_line(answer, options, run, sandbox):
    sandbox.faults.answer(200, body=answer, times=None)

    for command in (["contacts", "get", "5"], ["contacts", "search", "--email", "a@b.example"]):
        result = run(*command, *options)
        assert (result.exit_code, result.stdout) == (1, "")
        assert "cannot be read" in result.stderr


def test_a_team_without_a_name_is_shown_all_the_same(run, sandbox):
    sandbox.faults.answer(200, body={"colour": "red"})

    assert "red" in run("whoami").stdout


def test_what_is_piped_is_not_cut(run, sandbox):
    sandbox.faults.answer(200, body=[{"id": 7, "display_name": "x" * 150, "email": "y" * 150}])

    row = run("contacts", "search", "--email", "a@b.example").stdout

    assert "x" * 150 in row
    assert "y" * 150 in row


def test_control_characters_of_a_name_stay_away_from_the_terminal(run, sandbox):
    sandbox.faults.answer(200, body={"id": 7, "first": "a\x1b[31mb"})

    assert "\x1b" not in run("contacts", "get", "7").stdout


def test_deleting_asks_first(run, sandbox, in_terminal):
    contact_id = contact_of(sandbox)["id"]

    assert run("contacts", "delete", contact_id, input="n\n").exit_code == 1
    assert sandbox.store.get(contact_id) is not None
    assert run("contacts", "delete", contact_id, input="y\n").exit_code == 0
    assert sandbox.store.get(contact_id) is None


def test_contacts_are_counted(run):
    assert run("contacts", "count").stdout == "130\n"
    assert run("contacts", "count", "--json").stdout == '{"contacts":130}\n'
    assert run("contacts", "count", "--since", "2999-01-01T00:00:00Z").stdout == "0\n"


def test_an_embedded_sandbox_needs_no_credentials(run):
    result = run("contacts", "count", "--sandbox", "17", env={"HEYMARKET_BASE_URL": "http://x"})

    assert result.stdout == "17\n"


WRONG = [
    (["contacts", "find", "--phone", "555-3344"], "Error: --phone must be E.164"),
    (["contacts", "get", "0"], "ID must be a positive integer or a UUID"),
    (["contacts", "get", "98765x"], "ID must be a positive integer or a UUID"),
    (["contacts", "get", "9223372036854775808"], "Error: ID is too large"),
    (["contacts", "delete", "9" * 5000, "--yes"], "ID must be a positive integer or a UUID"),
    (["contacts", "search"], "At least one --phone or --email is needed"),
    (["contacts", "create", "--phone", "15105553344", "--custom", "Plan"], "--custom must be"),
    (
        ["contacts", "count", "--since", "today"],
        "Error: --since must be a date, such as 2026-04-12, or",
    ),
    (["contacts", "export", "x.jsonl", "--page-size", "0"], "--page-size"),
    (
        ["contacts", "export", "x.jsonl", "--surface", "v2", "--page-size", "101"],
        "--page-size must be an integer from 1 to 100",
    ),
    (
        ["contacts", "update", "1", "--phone", "15105553344", "--overwrite"],
        "--overwrite needs --custom",
    ),
    (
        ["contacts", "create", "--phone", "15105553344", "--custom", "A=1", "--custom", "A=2"],
        "--custom must not name a title twice",
    ),
    (["contacts", "export", "x.jsonl", "--surface", "v3"], "v3"),
    (["contacts", "update", "1-1", "--phone", "15105553344"], "UUID"),
    (["contacts", "create"], "--phone"),
    (
        ["contacts", "create", "--phone", "15105553344", *("--tag", "1") * 6],
        "Error: --tag must be a list of at most 5",
    ),
    (["contacts", "search", "--phone", "555x"], "Error: --phone must be E.164"),
    (["contacts", "count", "--since"], "Error: Option '--since' requires an argument."),
    (["contacts", "export"], "Error: Missing argument 'PATH'."),
    (["sandbox", "--port", "99999"], "--port"),
    (["--nonsense"], "Error: No such option: --nonsense"),
    (["contacts", "--nonsense"], "Error: No such option: --nonsense"),
    (["nonsense"], "nonsense"),
]


@pytest.mark.parametrize(("arguments", "message"), WRONG, ids=lambda each: str(each)[:50])
def test_wrong_arguments_end_with_2(arguments, message, run, sandbox, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)

    result = run(*arguments)

    assert result.exit_code == 2
    assert message in result.stderr
    assert not sandbox.requests
    assert not list(tmp_path.iterdir())
    command = " ".join(["root", *takewhile(str.isalpha, arguments)]).removesuffix(" nonsense")
    error, hint = result.stderr.splitlines()
    assert error.startswith("Error: ")
    assert hint == f"Try '{command} --help'."


@pytest.mark.parametrize("command", COMMANDS.values(), ids=lambda each: each.name)
def test_an_error_about_an_argument_names_the_option(command):
    for param in command.params:
        if param.opts[0].startswith("--"):
            error = ValueError(f"each of {param.name} must be a text")
            assert running.names_option(error, command.params)
            assert str(error) == f"{param.opts[0]} must be a text"


def test_an_error_with_a_remedy_names_the_option_and_keeps_its_remedy():
    error = JobError("one_folder", "checkpoint must be a folder.", "Name a folder.")

    assert not running.names_option(error, COMMANDS["contacts", "export"].params)
    assert error.problem == "--checkpoint must be a folder."


@pytest.mark.parametrize("text", ["date", "the date must be right", "date is wrong", "id must be"])
def test_an_error_that_is_not_about_an_argument_stays_as_it_is(text):
    error = ValueError(text)

    assert not running.names_option(error, COMMANDS["contacts", "count"].params)
    assert str(error) == text


@pytest.mark.parametrize("name", ["BASE_URL", "SECRET_ID", "SECRET_KEY", "API_KEY", "STORE"])
def test_an_error_about_a_variable_names_it(name, run, environment):
    environment = {**environment, f"HEYMARKET_{name}": "no URL"}
    if name == "API_KEY":
        del environment["HEYMARKET_SECRET_ID"], environment["HEYMARKET_SECRET_KEY"]

    result = run("whoami", env=environment)

    assert result.exit_code == 2
    assert result.stderr.startswith(f"Error: HEYMARKET_{name} must be ")
    assert len(result.stderr.splitlines()) == 1


def test_a_group_without_a_command_explains_itself(run):
    result = run("contacts")

    assert result.exit_code == 2
    assert result.output.startswith("Usage: ")
    assert "Error" not in result.output


def test_a_title_that_is_not_known_names_the_option_and_those_that_are(run, sandbox):
    result = run("contacts", "create", "--phone", "15105553344", "--custom", "Moood=x")

    assert result.exit_code == 2
    assert result.stderr.startswith(
        "Error: --custom: the account lists no custom field titled 'Moood'; it lists 'Plan', "
    )
    assert [received.path for received in sandbox.requests] == ["/v1/contact-fields"]


def test_no_credentials_end_with_2_and_say_what_to_set(run):
    result = run("whoami", env={})

    assert result.exit_code == 2
    assert result.stderr.startswith("Error: No credentials are set. Set HEYMARKET_SECRET_ID and")
    assert len(result.stderr.splitlines()) == 1


def test_an_error_is_one_line_with_the_request_id(run, sandbox):
    sandbox.faults.answer(403, body={"message": "no access"})

    result = run("contacts", "count")

    request_id = sandbox.requests[0].request_id
    assert result.exit_code == 1
    assert result.stdout == ""
    assert result.stderr == (
        f"Error: POST /v1/contacts/count answered 403: no access; request id {request_id}\n"
    )


def test_markup_in_an_answer_is_text(run, sandbox):
    sandbox.faults.answer(403, body={"message": "[red]no[/] access [/oops]"})

    assert "[red]no[/] access [/oops]" in run("contacts", "count").stderr


@pytest.mark.parametrize(
    "changes",
    [
        {"HEYMARKET_SECRET_ID": ""},
        {"HEYMARKET_BASE_URL": "http://api.heymarket.com"},
        {"HEYMARKET_SECRET_ID": "with space"},
    ],
)
def test_no_output_shows_a_secret(changes, run, environment, sandbox):
    key = environment["HEYMARKET_SECRET_KEY"]

    result = run("whoami", env={**environment, **changes})

    assert result.exit_code in {1, 2}
    assert key not in result.output


def test_a_key_that_the_server_repeats_is_masked(run, sandbox):
    sandbox.faults.answer(401, body={"message": "the key k3y-of-ours is wrong"}, times=None)
    environment = {"HEYMARKET_BASE_URL": sandbox.url, "HEYMARKET_API_KEY": "k3y-of-ours"}

    assert "the key *** is wrong" in run("whoami", env=environment).stderr


@pytest.mark.parametrize("missing", [["rich"], ["typer", "rich"], ["platformdirs"]])
def test_without_its_extra_the_command_says_what_to_install(missing, monkeypatch):
    def find_spec(name: str) -> object:
        return None if name in missing else object()

    monkeypatch.setattr(cli.importlib.util, "find_spec", find_spec)

    with pytest.raises(SystemExit) as raised:
        cli.main()

    assert raised.value.code == (
        "The heymarket command needs the extra cli:"
        " pip install typer rich packaging platformdirs charset-normalizer phonenumbers"
        " python-calamine"
    )


def test_with_its_extra_the_command_runs(monkeypatch, capsys):
    monkeypatch.setattr("sys.argv", ["heymarket", "--version"])

    with pytest.raises(SystemExit) as raised:
        cli.main()

    assert raised.value.code == 0
    assert capsys.readouterr().out == f"heymarket-async {__version__}\n"


def test_an_error_of_a_job_is_one_line_with_the_remedy_of_the_command(run, tmp_path, monkeypatch):
    async def fail(*_: object, **__: object) -> None:
        raise JobError("some_reason", "page_size must be smaller.", "Pass page_size=1.", most="1")

    monkeypatch.setattr("heymarket_async.bulk.sync_contacts", fail)
    monkeypatch.setitem(remedies._REMEDIES, "some_reason", "Use --page-size {most}.")

    result = run("sync", tmp_path / "c.db")

    assert result.exit_code == 2
    assert result.stderr == "Error: --page-size must be smaller. Use --page-size 1.\n"


@pytest.mark.parametrize("group", [[], ["contacts"]])
def test_a_group_without_a_command_prints_its_help(group, run):
    result = run(*group)

    assert result.exit_code == 2
    assert result.stdout.startswith("Usage: ")
    assert result.stderr == ""
