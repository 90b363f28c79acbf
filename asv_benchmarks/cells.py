"""Numbers of the page as HTML: a time, a speed-up, a share, the line of a history."""

import statistics
from html import escape

from asv_benchmarks.curves import NOISE, RATIO, SHARE, TIME, today_of

# Least value -> class of the cell, which summary.html colours.
SHADES = {
    RATIO: {5: "best", 2: "good", 1.05: "fair", 0.95: "even", 0: "slower"},
    SHARE: {0.75: "best", 0.5: "good", 0.25: "fair", 0: "even"},
}


def spelled(prefix, value):
    """Return a speed-up as 1.84×, a share as 43%, a time as 1.2 µs."""
    if prefix == SHARE:
        return f"{value:.0%}"
    if prefix == RATIO:
        return f"{value:.{2 if value < 10 else 1 if value < 100 else 0}f}×"
    for unit, size in (("s", 1), ("ms", 1e-3), ("µs", 1e-6)):
        if value >= size:
            return f"{value / size:.3g} {unit}"
    return f"{value * 1e9:.3g} ns"


def percents(value):
    """Return 0.5 as +50%, with a true minus sign."""
    text = "0%" if abs(value) < 0.005 else f"{value:+.0%}"
    return text.replace("-", "\N{MINUS SIGN}")


def sparkline(prefix, curve):
    """Return a small line as SVG, and the same in words for whoever does not see it."""
    values = list(curve.values())
    low, high = min(values), max(values)
    spread = max(high - low, 0.2 * high)  # noise of a few per cent is no mountain
    step = 72 / (len(values) - 1)
    dots = [
        (f"{4 + step * i:.1f}", f"{12 - 16 * (y - (low + high) / 2) / spread:.1f}")
        for i, y in enumerate(values)
    ]
    first, last, low, high = (spelled(prefix, y) for y in (values[0], values[-1], low, high))
    words = f"{len(values)} commits: first {first}, last {last}, least {low}, most {high}"
    return (
        f'<svg role="img" viewBox="0 0 80 24"><title>{words}</title>'
        f'<polyline points="{" ".join(map(",".join, dots))}"/>'
        f'<circle cx="{dots[-1][0]}" cy="{dots[-1][1]}" r="3"/></svg>'
    )


def figure(prefix, value):
    """Return a number as it stands in a cell or a list, and its shade."""
    if prefix not in SHADES:
        return spelled(prefix, value), ""
    shade = next(shade for least, shade in SHADES[prefix].items() if value >= least)
    mark = '<abbr title="slower than NumPy">▼</abbr> ' if shade == "slower" else ""
    return mark + spelled(prefix, value), shade


def cell(label, found, prefix, today):
    """Return the cell of a time, a speed-up or a share."""
    head = f'<td role="cell" data-label="{label}"'
    if prefix not in found:
        return f'{head}><span class="none" title="not measured">–</span></td>'
    value = today_of(found, prefix, today)
    if value is None:
        return f"{head}>no result</td>"
    text, shade = figure(prefix, value)
    link = escape(found[prefix][1])
    return (
        f'{head} class="{shade}" data-value="{value:.4g}">'
        f'<a href="{link}" aria-label="{label}: {spelled(prefix, value)}">{text}</a></td>'
    )


def trend_cell(found, today):
    """Return the cell of the history: today's value over the median of the earlier ones."""
    head = '<td role="cell" data-label="Trend"'
    prefix = next((prefix for prefix in (RATIO, SHARE, TIME) if prefix in found), None)
    curve = found[prefix][0] if prefix else {}
    if len(curve) < 2:
        return f'{head}><span class="none" title="measured once">–</span></td>'
    if today not in curve:
        return f"{head}>{sparkline(prefix, curve)}</td>"
    earlier = [value for revision, value in curve.items() if revision < today]
    change = curve[today] / statistics.median(earlier) - 1
    shade, text = "", percents(change)
    if prefix != TIME and change < 1 / NOISE - 1:
        shade, text = ' class="slower"', f'<abbr title="slower than before">▼</abbr> {text}'
    return f'{head}{shade} data-value="{change:.4g}">{text} {sparkline(prefix, curve)}</td>'
