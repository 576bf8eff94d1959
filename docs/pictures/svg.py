"""A canvas for the drawings: boxes, texts and arrows, in colours for light and for dark pages."""

from __future__ import annotations

from pathlib import Path
from xml.sax.saxutils import escape

WIDTH = 440
"""Pixels. A phone shows this width at nine tenths of its size, so 14 px stay legible."""

# A drawing has a background of its own: a page may be light although the system is dark.
_STYLE = """
text { font: 14px system-ui, -apple-system, 'Segoe UI', 'DejaVu Sans', sans-serif; fill: #1f2328 }
.small { font-size: 13px } .bold { font-weight: 600 } .muted { fill: #59636e }
.code { font-family: ui-monospace, Menlo, Consolas, 'DejaVu Sans Mono', monospace; font-size: 13px }
.page { fill: #ffffff; stroke: #d1d9e0 }
.plain { fill: #f6f8fa; stroke: #59636e } .ask { fill: #fff8c5; stroke: #9a6700 }
.first { fill: #ddf4ff; stroke: #0969da } .good { fill: #dafbe1; stroke: #1a7f37 }
.bad { fill: #ffebe9; stroke: #cf222e } .seen { fill: #eff2f5; stroke: #818b98 }
.line { stroke: #59636e; fill: none } .head { fill: #59636e } .cut { stroke: #cf222e }
@media (prefers-color-scheme: dark) {
text { fill: #f0f6fc } .muted { fill: #9198a1 } .page { fill: #0d1117; stroke: #3d444d }
.plain { fill: #151b23; stroke: #9198a1 } .ask { fill: #2e2a1f; stroke: #d29922 }
.first { fill: #0c2d6b; stroke: #4493f8 } .good { fill: #12361f; stroke: #3fb950 }
.bad { fill: #4b1113; stroke: #f85149 } .seen { fill: #212830; stroke: #656c76 }
.line { stroke: #9198a1 } .head { fill: #9198a1 } .cut { stroke: #f85149 }
}
"""
_LINE = 18


class Drawing:
    """A drawing that is built up from shapes, and saved as SVG."""

    def __init__(self, title: str, description: str) -> None:
        self._title, self._description = title, description
        self._parts: list[str] = []
        self._bottom = 0.0

    def text(self, x: float, y: float, words: str, style: str = "", anchor: str = "start") -> None:
        """Write a line of text, with its baseline at y."""
        self._bottom = max(self._bottom, y)
        self._parts.append(
            f'<text x="{x:g}" y="{y:g}" class="{style}" text-anchor="{anchor}">'
            f"{escape(words)}</text>"
        )

    def box(self, x: float, y: float, width: float, lines: str, kind: str = "plain") -> float:
        """Draw a box with lines of text in its middle. Return the y below it."""
        words = lines.split("\n")
        height = _LINE * len(words) + 14
        self._bottom = max(self._bottom, y + height)
        self._parts.append(
            f'<rect x="{x:g}" y="{y:g}" width="{width:g}" height="{height}" rx="6" class="{kind}"/>'
        )
        for number, line in enumerate(words):
            style = "code" if line.startswith("`") else ""
            baseline = y + 7 + _LINE * (number + 1) - 5
            self.text(x + width / 2, baseline, line.strip("`"), style, "middle")
        return y + height

    def cell(self, x: float, y: float, width: float, words: str, kind: str) -> None:
        """Draw a cell of a table, 26 px high."""
        self._parts.append(
            f'<rect x="{x:g}" y="{y:g}" width="{width:g}" height="26" rx="3" class="{kind}"/>'
        )
        self.text(x + width / 2, y + 18, words, "small", "middle")

    def line(self, points: str, style: str = "line", dashes: str = "") -> None:
        """Draw a line through points such as "0,0 10,10"."""
        dashed = f' stroke-dasharray="{dashes}"' if dashes else ""
        self._parts.append(
            f'<polyline points="{points}" class="{style}" stroke-width="1.5" fill="none"{dashed}/>'
        )

    def arrow(self, points: str) -> None:
        """Draw a line through points, with a head at its end."""
        self._parts.append(
            f'<polyline points="{points}" class="line" stroke-width="1.5" marker-end="url(#head)"/>'
        )

    def save(self, path: Path) -> None:
        """Write the drawing."""
        height = round(self._bottom) + 18
        head = (
            f'<svg xmlns="http://www.w3.org/2000/svg" width="{WIDTH}" height="{height}" '
            f'viewBox="0 0 {WIDTH} {height}" role="img">\n'
            f"<title>{escape(self._title)}</title>\n<desc>{escape(self._description)}</desc>\n"
            f"<style>{_STYLE}</style>\n"
            '<defs><marker id="head" viewBox="0 0 10 10" refX="9" refY="5" markerWidth="7" '
            'markerHeight="7" orient="auto-start-reverse">'
            '<path d="M0,0 L10,5 L0,10 z" class="head"/></marker></defs>\n'
            f'<rect x="0.5" y="0.5" width="{WIDTH - 1}" height="{height - 1}" rx="8" '
            'class="page"/>\n'
        )
        path.write_text(head + "\n".join(self._parts) + "\n</svg>\n")
