"""Draws speed-up over nodes as SVG: a panel per job, a line per placement, logarithmic axes."""

import math

PANEL_WIDTH, PANEL_HEIGHT = 250, 260
LEFT, TOP, GAP, BELOW = 52, 64, 34, 50
COLOURS = ["#0b6e4f", "#d1495b", "#2e5eaa", "#8e5ea2", "#777777"]
INK, FAINT, GRID = "#222222", "#888888", "#e6e6e6"


def text(x, y, words, anchor="middle", colour=INK, size=12, more=""):
    return (f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}" fill="{colour}" '
            f'font-size="{size}"{more}>{words}</text>')


def line(x1, y1, x2, y2, colour, more=""):
    return (f'<line x1="{x1:.1f}" y1="{y1:.1f}" x2="{x2:.1f}" y2="{y2:.1f}" '
            f'stroke="{colour}"{more}/>')


class Axes:
    """Where a number of nodes and a speed-up are in the panel whose left edge is `x`."""

    def __init__(self, x, counts, low, high):
        self.x, self.counts, self.low, self.high = x, counts, low, high

    def across(self, nodes):
        return self.x + PANEL_WIDTH * math.log(nodes) / math.log(self.counts[-1])

    def up(self, value):
        share = math.log(value / self.low) / math.log(self.high / self.low)
        return TOP + PANEL_HEIGHT * (1 - share)

    def frame(self, title, first):
        parts = [text(self.x + PANEL_WIDTH / 2, TOP - 12, title, size=14,
                      more=' font-weight="bold"')]
        value = self.low
        while value <= self.high:
            parts.append(line(self.x, self.up(value), self.x + PANEL_WIDTH, self.up(value), GRID))
            if first:
                parts.append(text(self.x - 8, self.up(value) + 4, f"{value:g}", "end"))
            value *= 2
        for nodes in self.counts:
            at = self.across(nodes)
            parts.append(line(at, TOP, at, TOP + PANEL_HEIGHT, GRID))
            parts.append(text(at, TOP + PANEL_HEIGHT + 18, str(nodes)))
        start = max(1, self.low)
        parts.append(line(self.across(start), self.up(start), self.across(self.counts[-1]),
                          self.up(self.counts[-1]), FAINT, ' stroke-dasharray="4 4"'))
        parts.append(text(self.x + PANEL_WIDTH / 2, TOP + PANEL_HEIGHT + 38,
                          "nodes of 8 workers", colour=FAINT))
        return parts

    def curve(self, points, colour):
        known = [(self.across(n), self.up(s)) for n, s in points if s]
        if not known:
            return []
        path = " ".join(f"{x:.1f},{y:.1f}" for x, y in known)
        marks = [f'<circle cx="{x:.1f}" cy="{y:.1f}" r="3.5" fill="{colour}"/>' for x, y in known]
        return [f'<polyline points="{path}" fill="none" stroke="{colour}" stroke-width="2"/>',
                *marks]


def legend(names, x):
    parts = []
    for name, colour in zip(names, COLOURS):
        parts.append(line(x, 20, x + 22, 20, colour, ' stroke-width="3"'))
        parts.append(text(x + 28, 24, name, "start"))
        x += 46 + 7 * len(name)
    parts.append(line(x, 20, x + 22, 20, FAINT, ' stroke-dasharray="4 4"'))
    parts.append(text(x + 28, 24, "linear", "start"))
    return parts


def draw(panels):
    """panels: (title, {name: [(nodes, speed-up or None)]}) of each, with the same names."""
    points = [p for _, curves in panels for c in curves.values() for p in c]
    counts = [1, *sorted({nodes for nodes, _ in points})]
    least = min([s for _, s in points if s], default=1)
    low = 2.0 ** math.floor(math.log2(min(1.0, least)))
    width = LEFT + len(panels) * (PANEL_WIDTH + GAP)
    height = TOP + PANEL_HEIGHT + BELOW
    parts = [f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" '
             f'width="{width}" height="{height}" font-family="Helvetica, Arial, sans-serif">',
             f'<rect width="{width}" height="{height}" fill="#ffffff"/>']
    parts += legend(panels[0][1].keys(), LEFT)
    middle = TOP + PANEL_HEIGHT / 2
    parts.append(text(16, middle, "speed-up over one node", colour=FAINT,
                      more=f' transform="rotate(-90 16 {middle:.0f})"'))
    for number, (title, curves) in enumerate(panels):
        axes = Axes(LEFT + number * (PANEL_WIDTH + GAP), counts, low, counts[-1])
        parts += axes.frame(title, number == 0)
        for curve, colour in reversed(list(zip(curves.values(), COLOURS))):
            parts += axes.curve(curve, colour)
    return "\n".join([*parts, "</svg>", ""])
