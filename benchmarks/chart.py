"""The chart of `docs/performance.md`: everybody's CPU as a ratio to bare aiohttp and msgspec."""

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

# Readable on white and on black: the paper is left clear.
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
        _bars(axes, title, rounds)
    figure.supxlabel(
        "CPU of the client's process, as a ratio to bare aiohttp + msgspec (log scale; less is"
        " better)",
        color=_INK,
        fontsize=9,
    )
    figure.savefig(path.with_suffix(".svg"), transparent=True, metadata={"Date": None})
    figure.savefig(path.with_suffix(".png"), transparent=True, dpi=150)


def _bars(axes: Axes, title: str, rounds: Rounds) -> None:
    medians = {name: statistics.median(paired(rounds, name, BARE)) for name in rounds}
    names = sorted(medians, key=lambda name: -medians[name])
    ours = {BY_PAGE, BY_CONTACT}
    widths = [medians[name] for name in names]
    labels = [RIVALS[name].title if BY_CONTACT in rounds else creates.title(name) for name in names]
    bars = axes.barh(labels, widths, color=[_OURS if name in ours else _OTHERS for name in names])
    axes.bar_label(bars, [f"{width:.2f}" for width in widths], padding=3, color=_INK, fontsize=8)
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
