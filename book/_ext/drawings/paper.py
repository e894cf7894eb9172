"""The one hand that draws: white paper, a precise line, words in one size or a smaller one."""

from __future__ import annotations

import html
import zlib

#: How a surface is told from another without colour.
FILLS = {
    "plain": "#ffffff",
    "light": "#e9e9e6",
    "dark": "#33383d",
    "hatched": "url(#hatched)",
    "dotted": "url(#dotted)",
}
PATTERNS = (
    '<pattern id="hatched" width="6" height="6" patternUnits="userSpaceOnUse" '
    'patternTransform="rotate(45)"><rect width="6" height="6" fill="#ffffff"/>'
    '<path d="M0 0V6" stroke="#1b1e21" stroke-width="1.6"/></pattern>'
    '<pattern id="dotted" width="6" height="6" patternUnits="userSpaceOnUse">'
    '<rect width="6" height="6" fill="#ffffff"/><circle cx="3" cy="3" r="1" fill="#1b1e21"/>'
    "</pattern>"
)


class Paper:
    """A sheet on which things are drawn; `words` say all of it to who cannot see."""

    def __init__(self, width: int, height: int, words: str) -> None:
        self.width, self.height, self.words = width, height, words
        # Ids are the page's, on which there may be several drawings
        self._id = f"d{zlib.crc32(words.encode()):08x}"
        self._parts: list[str] = []

    def box(self, x: float, y: float, width: float, height: float, fill: str = "plain",
            dashed: bool = False) -> None:
        """A surface with its outline; a dashed one is of something that is not there."""
        dashes = ' stroke-dasharray="4 3"' if dashed else ""
        self._parts.append(f'<rect x="{x:.1f}" y="{y:.1f}" width="{width:.1f}" '
                           f'height="{height:.1f}" fill="{FILLS[fill]}" class="line"{dashes}/>')

    def line(self, *points: tuple[float, float], arrow: bool = False,
             dashed: bool = False) -> None:
        """A line through some points, perhaps with a head at its end; dashed where it is broken."""
        path = " ".join(f"{x:.1f},{y:.1f}" for x, y in points)
        head = ' marker-end="url(#head)"' if arrow else ""
        head += ' stroke-dasharray="4 3"' if dashed else ""
        self._parts.append(f'<polyline points="{path}" fill="none" class="line"{head}/>')

    def text(self, x: float, y: float, text: str, at: str = "middle", style: str = "") -> None:
        """Words; `at` says which of their ends is at x. `style`: name, code or small."""
        self._parts.append(f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{at}" '
                           f'class="{style}">{html.escape(text)}</text>')

    def svg(self) -> str:
        """The whole sheet."""
        head = ('<marker id="head" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="8" '
                'markerHeight="8" orient="auto"><path d="M0 0L8 4L0 8z" fill="#1b1e21"/></marker>')
        drawn = (f'<svg viewBox="0 0 {self.width} {self.height}" role="img" tabindex="0" '
                 f'aria-label="{html.escape(self.words)}"><defs>{PATTERNS}{head}</defs>'
                 f'<rect width="{self.width}" height="{self.height}" fill="#ffffff"/>'
                 + "".join(self._parts) + "</svg>")
        for name in ("hatched", "dotted", "head"):
            drawn = drawn.replace(f'id="{name}"', f'id="{self._id}-{name}"')
            drawn = drawn.replace(f"url(#{name})", f"url(#{self._id}-{name})")
        return drawn
