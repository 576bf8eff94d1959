"""The command `heymarket doctor`: finds the reasons why other commands do not work."""

from __future__ import annotations

import typer

from heymarket_async.cli import show
from heymarket_async.cli.doctor.finding import State
from heymarket_async.cli.options import Json
from heymarket_async.cli.running import until_terminated

_STYLES = {State.OK: "green", State.PROBLEM: "bold red", State.SKIPPED: "dim"}


def doctor_command(*, json: Json = False) -> None:
    """Check the set-up: credentials, connection, clock, rate limit, packages.

    Prints a line for each check: ok, or the problem and what to do. It sends one request, which
    reads the name of the account, and writes nothing. Exits with 1 if something must be mended.
    """
    from heymarket_async.cli.doctor import (  # noqa: PLC0415 - no help needs them
        connection,
        packages,
        setup,
    )

    found = setup.examine()
    findings = [*packages.findings(), *found.findings]
    findings += until_terminated(connection.findings(found))
    is_well = not any(finding.state is State.PROBLEM for finding in findings)
    if json:
        show.print_json({"ok": is_well, "checks": findings})
    else:
        for finding in findings:
            text = f"{finding.text} {finding.remedy}".rstrip()
            show.print_check(finding.state, _STYLES[finding.state], finding.check, text)
    if not is_well:
        raise typer.Exit(1)
