"""The chart of `docs/performance.md`: the CPU of each rival, as a ratio to bare aiohttp."""

from __future__ import annotations

import statistics
from pathlib import Path

import matplotlib as mpl
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from benchmarks.measuring import Results, Rounds
from benchmarks.rivals import BARE, BY_CONTACT, BY_PAGE, RIVALS
from benchmarks.tables import paired
from benchmarks.works import creates, walks

# Readable on white and on black: the background is transparent.
_INK, _OURS, _OTHERS = "#7f8790", "#2f81f7", "#9aa3ad"


def draw(results: Results, path: Path) -> None:
    """Write a chart as SVG and PNG."""
    mpl.rcParams["svg.hashsalt"] = "heymarket_async"  # the same data makes the same file
    panels = {
        "Walk, 30 contacts a page": results[walks.name(30)],
        "Walk, 1,000 contacts a page": results[walks.name(1000)],
        "Create, one call at a time": results[creates.name(1)],
    }
    figure = Figure(figsize=(8.6, 8.4), layout="constrained")
    for axes, (title, rounds) in zip(figure.subplots(len(panels)), panels.items(), strict=True):
        _dots(axes, title, rounds)
    figure.supxlabel(
        "CPU of the client's process, as a ratio to bare aiohttp + msgspec: median, and minimum to"
        " maximum (log scale; less is better)",
        color=_INK,
        fontsize=9,
    )
    figure.savefig(path.with_suffix(".svg"), transparent=True, metadata={"Date": None})
    figure.savefig(path.with_suffix(".png"), transparent=True, dpi=150)


def _dots(axes: Axes, title: str, rounds: Rounds) -> None:
    ratios = {name: paired(rounds, name, BARE) for name in rounds}
    names = sorted(ratios, key=lambda name: -statistics.median(ratios[name]))
    ours = {BY_PAGE, BY_CONTACT}
    for place, name in enumerate(names):
        color = _OURS if name in ours else _OTHERS
        middle = statistics.median(ratios[name])
        axes.plot([min(ratios[name]), max(ratios[name])], [place, place], color=color, linewidth=2)
        axes.plot(middle, place, "o", color=color, markersize=6)
        axes.annotate(
            f"{middle:.2f}",
            (max(ratios[name]), place),
            xytext=(7, 0),
            textcoords="offset points",
            va="center",
            color=_INK,
            fontsize=8,
        )
    labels = [RIVALS[name].title if BY_CONTACT in rounds else creates.title(name) for name in names]
    axes.set_yticks(range(len(names)), labels)
    axes.axvline(1, color=_INK, linewidth=0.8, linestyle=":")
    axes.set_xscale("log")
    axes.set_xlim(0.2, 40)
    axes.set_xticks([])
    axes.minorticks_off()
    axes.set_title(title, color=_INK, fontsize=10, loc="left")
    axes.tick_params(colors=_INK, labelsize=8, length=0)
    for label, name in zip(axes.get_yticklabels(), names, strict=True):
        label.set_color(_OURS if name in ours else _INK)
    for spine in axes.spines.values():
        spine.set_visible(False)
