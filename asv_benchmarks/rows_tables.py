"""Rows of images_and_sequences.py in Markdown: limit, fastnet, best peer, book, and ratios."""

import statistics

HEAD = ["limit", "fastnet", "best peer", "best / fastnet", "book", "book / fastnet"]


def number(micros):
    return f"{micros:,.0f}" if micros >= 1000 else f"{micros:.3g}"


def ratio(value, demand, least=1.0):
    """Return a ratio in Markdown, with what was demanded, and a mark where it is missed."""
    if value is None:
        return ""
    demanded = f" ({demand:g})" if demand else ""
    if demand and value < demand:
        return f"{value:.2f}{demanded} **missed**"
    return f"{value:.2f}{demanded}{' **slower**' if value < least else ''}"


def cells(row):
    """Return a row's cells after its name."""
    if row is None:
        return [""] * len(HEAD)
    micros = {name: times[1] for name, times in row["microseconds"].items()}
    best = f"{number(micros[row['best']])} ({row['best']})" if "best" in row else ""
    return [
        number(row["limit"]),
        number(micros[row["fastnet"]]) if "fastnet" in row else "",
        best,
        ratio(row.get("ratio"), row["demand_best"]),
        number(micros["book"]) if "book" in micros else "",
        ratio(row.get("book_ratio"), row["demand_book"]),
    ]


def table_head(names):
    return f"| {' | '.join(['work', *names])} |\n|{'---|' * (1 + len(names))}"


def line(row):
    return f"| {' | '.join([row['work'], *cells(row)])} |"


def beside(results):
    """Return two runs in Markdown, side by side."""
    names, groups = [], []
    for result in results:
        isa = result["isa"] if result["isa"] != "native" else result["cpu"]
        names += [f"{isa}: {word}" for word in HEAD]
        groups.append({row["work"]: row for row in result["rows"]})
    lines = [table_head(names)]
    for name in dict.fromkeys(name for group in groups for name in group):
        found = [cell for group in groups for cell in cells(group.get(name))]
        lines.append(f"| {' | '.join([name, *found])} |")
    return "\n".join(lines)


def summary(measured):
    """Return what a grid comes to."""
    measured = sorted((row for row in measured if "ratio" in row), key=lambda row: row["ratio"])
    if not measured:
        return "Nothing to compare."
    mean = statistics.geometric_mean([row["ratio"] for row in measured])
    worst = [f"- {row['work']}: {row['ratio']:.2f} ({row['best']})" for row in measured[:10]]
    below = sum(row["ratio"] < 0.95 for row in measured)
    return (
        f"{len(measured)} rows: geometric mean of best / fastnet {mean:.2f}, "
        f"below 0.95: {below}. Worst:\n\n" + "\n".join(worst)
    )
