"""`heymarket contacts create` and `ensure`: no second contact by accident."""

from __future__ import annotations

import json


def numbers_of(sandbox) -> int:
    return sum(each["phone"] == "15105550000" for each in sandbox.store.contacts)


def test_a_phone_that_is_known_is_not_created_again(run, sandbox):
    first = run("contacts", "create", "--phone", "15105550000", "--json")
    contact_id = json.loads(first.stdout)["id"]
    second = run("contacts", "create", "--phone", "+15105550000", "--first", "Ada")

    assert (first.exit_code, second.exit_code, second.stdout) == (0, 1, "")
    assert second.stderr == (
        f"Error: Contact {contact_id} has this phone already. Use heymarket contacts ensure to get"
        " it, or --force to create without a look (Heymarket may then update this one).\n"
    )
    assert numbers_of(sandbox) == 1


def test_force_does_not_look(run, sandbox):
    run("contacts", "create", "--phone", "15105550000")
    before = len(sandbox.requests)
    forced = run("contacts", "create", "--phone", "15105550000", "--force")

    assert forced.exit_code == 0
    assert [each.path for each in list(sandbox.requests)[before:]] == ["/v1/contact"]
    assert numbers_of(sandbox) == 2


def test_a_lost_answer_names_the_command_that_finds_out(run, sandbox):
    create = ["contacts", "create", "--phone", "15105550000"]
    sandbox.faults.reset(on="POST /v1/contact", after_write=True)
    lost = run(*create)
    sandbox.faults.reset(on="POST /v1/contact", after_write=True)
    forced = run(*create, "--force")
    sandbox.faults.answer(400, on="POST /v1/contact")
    refused = run("contacts", "create", "--phone", "15105550001")

    note = "Run heymarket contacts ensure with the same options. It makes no second contact."
    assert (lost.exit_code, forced.exit_code, refused.exit_code) == (1, 1, 1)
    assert lost.stderr.splitlines()[1:] == [note]
    assert note not in forced.stderr + refused.stderr


def test_ensure_creates_once_and_shows_the_contact_each_time(run, sandbox):
    command = ["contacts", "ensure", "--phone", "15105550000", "--json"]
    first = run(*command, "--first", "Ada", "--custom", "Plan=Premium")
    again = run(*command, "--first", "Grace")
    shown = run(*command[:-1])

    created, known = json.loads(first.stdout), json.loads(again.stdout)
    assert (first.exit_code, again.exit_code, shown.exit_code) == (0, 0, 0)
    assert (created.pop("created"), known.pop("created")) == (True, False)
    assert created["id"] == known["id"]
    assert str(created["id"]) in shown.stdout
    assert numbers_of(sandbox) == 1
    assert sandbox.store.get(created["id"])["first"] == "Ada"
