"""The chart of `docs/performance.md`: instructions and CPU of each rival, as ratios to bare."""

from __future__ import annotations

import statistics
from pathlib import Path

import matplotlib as mpl
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from benchmarks.measuring import Results, Rounds
from benchmarks.rivals import BARE, BY_CONTACT, BY_PAGE, RIVALS
from benchmarks.tables import paired
from benchmarks.works import creates, instructions, walks

# Readable on white and on black: the background is transparent.
_INK, _OURS, _OTHERS = "#7f8790", "#2f81f7", "#9aa3ad"
_OUR_NAMES = (BY_PAGE, BY_CONTACT)


def draw(results: Results, path: Path) -> None:
    """Write a chart as SVG and PNG."""
    mpl.rcParams["svg.hashsalt"] = "heymarket_async"  # the same data makes the same file
    panels = {
        "Create, one call at a time": creates.name(1),
        "Walk, 30 contacts a page": walks.name(30),
        "Walk, 1,000 contacts a page": walks.name(1000),
    }
    # As wide as a phone shows it, so that its letters stay legible there.
    figure = Figure(figsize=(5.2, 11.4), layout="constrained")
    for axes, (title, work) in zip(figure.subplots(len(panels)), panels.items(), strict=True):
        axes.set_title(title, color=_INK, fontsize=10, loc="left")
        _dots(axes, results.get(instructions.name(work), {}), results[work])
    figure.supxlabel(
        "Ratio to bare aiohttp + msgspec (log scale; less is better).\n"
        "Number and dot: instructions of the client's process.\n"
        "Circle and line: its CPU, median, and minimum to maximum.\n"
        "Where there is no dot, the number is the CPU.",
        color=_INK,
        fontsize=9,
    )
    figure.savefig(path.with_suffix(".svg"), transparent=True, metadata={"Date": None})
    figure.savefig(path.with_suffix(".png"), transparent=True, dpi=150)


def _dots(axes: Axes, counted: Rounds, clocked: Rounds) -> None:
    counts = {name: paired(counted, name, BARE, instructions.KEY)[0] for name in counted}
    cpu = {name: paired(clocked, name, BARE) for name in clocked}
    medians = {name: statistics.median(values) for name, values in cpu.items()}
    shown = medians | counts
    names = sorted(shown, key=lambda name: -shown[name])
    for place, name in enumerate(names):
        color = _OURS if name in _OUR_NAMES else _OTHERS
        if name in cpu:
            axes.plot([min(cpu[name]), max(cpu[name])], [place, place], color=color, linewidth=1)
            axes.plot(medians[name], place, "o", color=color, markersize=6, fillstyle="none")
        if name in counts:
            axes.plot(counts[name], place, "o", color=color, markersize=6)
        axes.annotate(
            f"{shown[name]:.2f}",
            (max([shown[name], *cpu.get(name, [])]), place),
            xytext=(7, 0),
            textcoords="offset points",
            va="center",
            color=_INK,
            fontsize=8,
        )
    with_walks = BY_CONTACT in shown
    labels = [RIVALS[name].title if with_walks else creates.title(name) for name in names]
    _frame(axes, names, labels)


def _frame(axes: Axes, names: list[str], labels: list[str]) -> None:
    axes.set_yticks(range(len(names)), labels)
    axes.axvline(1, color=_INK, linewidth=0.8, linestyle=":")
    axes.set_xscale("log")
    axes.set_xlim(0.15, 45)
    axes.set_xticks([])
    axes.minorticks_off()
    axes.tick_params(colors=_INK, labelsize=8, length=0)
    for label, name in zip(axes.get_yticklabels(), names, strict=True):
        label.set_color(_OURS if name in _OUR_NAMES else _INK)
    for spine in axes.spines.values():
        spine.set_visible(False)
