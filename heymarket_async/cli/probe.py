"""The command `heymarket probe`: how the API behaves where its documentation says nothing."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from rich.console import Console
from rich.table import Table
from rich.text import Text
from typer import Option

from heymarket_async.bulk.store import private_files
from heymarket_async.cli import show
from heymarket_async.cli.job_progress import changing
from heymarket_async.cli.kept import Kept
from heymarket_async.cli.options import Json, SandboxSize
from heymarket_async.cli.running import run

if TYPE_CHECKING:
    from heymarket_async import HeymarketClient
    from heymarket_async.probe import Findings

_WIDTH = 80

Save = Annotated[
    Path | None,
    Option(
        "--save", metavar="FILE", help="Write the facts to this file, for clients and sandboxes."
    ),
]


def probe_command(*, save: Save = None, json: Json = False, sandbox: SandboxSize = None) -> None:
    """Find out what Heymarket does not document, with at most 40 reads.

    A fact that the account cannot show is left open. Nothing in the result is about the account
    or its contacts.
    """
    from heymarket_async.probe import probe  # noqa: PLC0415 - no help needs it

    sent = 0

    def count(number: int) -> None:
        nonlocal sent
        sent = number

    async def work(client: HeymarketClient) -> Findings:
        # An interrupted probe keeps nothing.
        with Kept(None, "fact").noting(), changing(lambda: f"request {sent} of at most 40"):
            return await probe(client, on_request=count)

    if save is not None:
        _check_place(save)
    findings = run(work, sandbox)
    if json:
        show.print_json(findings)
    else:
        _print(findings)
    sys.stdout.flush()
    if save is not None:
        findings.profile.save(save)
        if not json:
            show.say(f"The profile is in {save}.")


def _check_place(path: Path) -> None:
    """Refuse a file that could not be written, or that holds something else."""
    from heymarket_async.api_profile import ApiProfile  # noqa: PLC0415 - no help needs it

    if str(path) == "-":
        raise ValueError("--save takes the name of a file, not -. The facts are on stdout: --json")
    private_files.check_place(path)
    if path.exists():
        try:
            ApiProfile.load(path)
        except ValueError as error:
            raise ValueError(
                f"--save would replace {path}, which holds no profile of the API. Name another file"
            ) from error


def _print(findings: Findings) -> None:
    console = Console(highlight=False, width=min(_WIDTH, Console().width))
    table = Table(
        "", "documented", "assumed", "seen", box=None, header_style="bold", pad_edge=False
    )
    reasons: dict[str, int] = {}
    about = ""
    for fact in findings.facts:
        if fact.about != about:
            table.add_row(Text(fact.about, style="bold"))
        about = fact.about
        mark = "" if fact.seen else f"? {reasons.setdefault(fact.reason, len(reasons) + 1)}"
        cells = (f"  {fact.question}", fact.documented or "-", fact.assumed, fact.seen or mark)
        table.add_row(*map(Text, cells))
    with console.capture() as shown:
        console.print(table)
        if reasons:
            console.print("\nCould not tell:")
        for reason, number in reasons.items():
            console.print(Text(f"? {number}  {reason}"))
    sys.stdout.write(shown.get())
    show.say(f"{show.counted(findings.requests, 'request')}, all of them reads.")
