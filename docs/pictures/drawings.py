"""The drawings of the pages: a cut group of the walk, a retry's decision, a call, the budget."""

from __future__ import annotations

from pathlib import Path

from svg import WIDTH, Drawing


def tie_group(path: Path) -> None:
    """Draw a page that ends inside a group of contacts with the same `updated`."""
    drawing = Drawing(
        "A page that ends inside a group",
        "Six contacts fit on a page, and the first page ends between contacts of 09:03. The "
        "usual script asks for the contacts before 09:03, so two of that time are lost. The walk "
        "asks for the contacts before 09:04, skips the three that it has, and gets the other two.",
    )
    left, middle, right = 16, 108, 222
    drawing.text(left, 30, "The list", "bold")
    drawing.text(middle, 30, "Usual script", "bold")
    drawing.text(right, 30, "The walk", "bold")
    rows = [
        ("09:06", "page 1", "page 1", ""),
        ("09:05", "page 1", "page 1", ""),
        ("09:04", "page 1", "page 1", ""),
        ("09:03", "page 1", "page 1", "skipped"),
        ("09:03", "page 1", "page 1", "skipped"),
        ("09:03", "page 1", "page 1", "skipped"),
        ("09:03", "lost", "", "page 2"),
        ("09:03", "lost", "", "page 2"),
        ("09:02", "page 2", "", "page 2"),
    ]
    kinds = {"page 1": "first", "page 2": "good", "lost": "bad", "skipped": "seen"}
    y = 44
    for number, (time, script, first, second) in enumerate(rows):
        if number == 6:
            drawing.line(f"{left},{y + 3} {WIDTH - 16},{y + 3}", "cut", "5 4")
            drawing.text(left, y + 21, "page 1 ends", "small muted")
            drawing.text(middle, y + 21, "before 09:03", "small muted")
            drawing.text(right + 104, y + 21, "before 09:04", "small muted")
            y += 30
        drawing.cell(left, y, 78, time, "ask" if time == "09:03" else "plain")
        drawing.cell(middle, y, 98, script, kinds[script])
        for place, words in ((0, first), (104, second)):
            if words:
                drawing.cell(right + place, y, 98, words, kinds[words])
        y += 32
    for line in (
        "Five contacts share one time, and page 1 ends between them.",
        "The server leaves out the contacts at the time that is asked",
        "for. So the walk asks from the time before, and skips the",
        "contacts that it has.",
    ):
        y += 20
        drawing.text(left, y, line, "small")
    drawing.save(path)


def retries(path: Path) -> None:
    """Draw how a call decides whether it tries again."""
    drawing = Drawing(
        "When a call is tried again",
        "If nothing was sent, the call is tried again, unless a proxy refused it. A 429 is tried "
        "again after the wait that Heymarket asks for, a 401 once with a new token. If no whole "
        "answer came, or a status that passes (408, 425, most 5xx), a read or idempotent write "
        "is tried again, and an unsafe write raises. Any other error raises.",
    )
    left, wide, right = 16, 212, 262
    x = left + wide / 2
    steps = [
        ("An attempt ends", "plain", "", ""),
        ("Was the request sent?", "ask", "no", "Try again, unless\na proxy refused it"),
        ("Is the answer 429?", "ask", "yes", "Wait as asked,\ntry again"),
        ("Is the answer 401?", "ask", "yes", "New token,\ntry again once"),
        (
            "No whole answer, or a\nstatus that passes (408,\n425, most 5xx)?",
            "ask",
            "no",
            "2xx: return it\nelse: raise",
        ),
        ("Is it safe to do twice?\n(see the table of calls)", "ask", "yes", "Wait, try again"),
    ]
    good = {
        "Try again, unless\na proxy refused it",
        "Wait, try again",
        "Wait as asked,\ntry again",
        "New token,\ntry again once",
    }
    y: float = 20
    for number, (words, kind, branch, result) in enumerate(steps):
        below = drawing.box(left, y, wide, words, kind)
        if result:
            height = below - y
            lines = result.count("\n") + 1
            top = y + height / 2 - (18 * lines + 14) / 2
            drawing.arrow(f"{left + wide},{y + height / 2} {right},{y + height / 2}")
            drawing.text(left + wide + 8, y + height / 2 - 6, branch, "small muted")
            drawing.box(right, top, 162, result, "good" if result in good else "plain")
        if number:
            onward = {"no": "yes", "yes": "no"}[branch]
            drawing.text(x + 8, below + 21, onward, "small muted")
        drawing.arrow(f"{x},{below} {x},{below + 34}")
        y = below + 34
    below = drawing.box(left, y, wide, "Raise, with\n`may_have_taken_effect", "bad")
    for line in (
        "Each wait is random, and longer after each attempt. After",
        "five attempts, or at the deadline, the call raises.",
        "The table has the exceptions.",
    ):
        below += 22
        drawing.text(left, below, line, "small")
    drawing.save(path)


def call(path: Path) -> None:
    """Draw the way of one call, from the method to its result."""
    drawing = Drawing(
        "The way of one call",
        "The arguments are checked, then the call waits for its turn, signs, sends, and reads the "
        "answer. A failed attempt that is safe to repeat goes back to the wait for a turn.",
    )
    left, wide, note = 44, 186, 246
    x = left + wide / 2
    steps = [
        ("`contacts.create(…)", "first", ["your code"]),
        ("Check the arguments", "plain", ["wrong: ValueError,", "nothing is sent"]),
        ("Wait for a turn", "plain", ["first come, first served;", "500 a minute, shared"]),
        ("Sign a token", "plain", ["kept for four minutes"]),
        ("Send, and wait", "plain", ["30 s at most; over a", "connection that is kept"]),
        ("Read the answer", "plain", ["lost, cut, HTML, odd:", "see the retries"]),
        ("Is it about this call?", "ask", ["another id or phone:", "DecodeError"]),
        ("A typed result", "good", ["or an error that says if", "it may have taken effect"]),
    ]
    y: float = 20
    tops = []
    for number, (words, kind, notes) in enumerate(steps):
        tops.append(y)
        below = drawing.box(left, y, wide, words, kind)
        for place, line in enumerate(notes):
            baseline = y + 21 + 17 * place - 8 * (len(notes) - 1)
            drawing.text(note, baseline, line, "small muted")
        if number < len(steps) - 1:
            drawing.arrow(f"{x},{below} {x},{below + 32}")
        y = below + 32
    start, end = tops[5] + 16, tops[2] + 16
    drawing.arrow(f"{left},{start} 22,{start} 22,{end} {left},{end}")
    drawing.text(
        16, y + 2, "The line on the left: a failed attempt that is safe to repeat", "small"
    )
    drawing.text(16, y + 20, "waits, and queues again.", "small")
    drawing.save(path)


def budget(path: Path) -> None:
    """Draw processes that share one budget through a store."""
    drawing = Drawing(
        "One budget for several processes",
        "A web service, an export and a worker ask one Redis for their turns. Together they send "
        "at most 500 requests in any 60 seconds. The export has a share of 0.2, so it leaves room.",
    )
    names = ["Web service", "Nightly export\n`share=0.2", "Worker"]
    wide, gap = 128, 12
    for number, name in enumerate(names):
        x = 16 + number * (wide + gap)
        below = drawing.box(x, 20, wide, name if "\n" in name else f"{name}\n`share=1", "first")
        middle = x + wide / 2
        drawing.arrow(f"{middle},{below} {middle},{below + 50}")
    drawing.text(16 + wide / 2 + 10, 96, "1. asks for a turn", "small muted")
    below = drawing.box(16, 120, WIDTH - 32, "Redis: the turns of the last 60 seconds", "ask")
    x, y = 30, below + 14
    for number in range(38):
        kind = ("first", "good", "seen")[number % 3 if number % 2 else 0]
        drawing.cell(x + number * 10, y, 6, "", kind)
    drawing.text(WIDTH / 2, y + 46, "never more than 500 in any 60 seconds", "small", "middle")
    drawing.arrow(f"{WIDTH / 2},{y + 56} {WIDTH / 2},{y + 100}")
    drawing.text(WIDTH / 2 + 10, y + 82, "2. sends when its turn comes", "small muted")
    below = drawing.box(120, y + 100, 200, "Heymarket", "good")
    drawing.text(16, below + 28, "A 429 that one process receives pauses all of them.", "small")
    drawing.save(path)


def draw_all(folder: Path) -> None:
    """Write every drawing into a folder."""
    tie_group(folder / "tie-group.svg")
    retries(folder / "retries.svg")
    call(folder / "call.svg")
    budget(folder / "budget.svg")
