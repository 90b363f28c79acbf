"""What peers.py measured: rows and tables in Markdown, what a grid comes to, and the picture."""

import math
import statistics

OURS = ("fastnet loop", "fastnet")  # of training, of prediction


def line(row, names):
    """Return a row in Markdown."""
    cells = [row["network"], row["dtype"]]
    for name in names:
        p10, p50, p90 = row["microseconds"].get(name, [None] * 3)
        cells.append("" if p50 is None else f"{p50:.4g} ({p10:.3g} to {p90:.3g})")
    cells += [f"{row['limit']:.3g}", f"{row.get('of_limit', math.nan):.2f}", row.get("best", "")]
    ratio = row.get("ratio", math.nan)
    cells.append(f"{ratio:.2f}{' **slower**' if ratio < 1 else ''}")
    return f"| {' | '.join(cells)} |"


def summary(rows):
    """Return what a grid comes to."""
    rows = sorted((row for row in rows if "ratio" in row), key=lambda row: row["ratio"])
    return {
        "networks": len(rows),
        "geometric_mean": statistics.geometric_mean([row["ratio"] for row in rows]),
        "slower": sum(row["ratio"] < 1 for row in rows),
        "worst": [
            {key: row[key] for key in ("network", "dtype", "best", "ratio")} for row in rows[:10]
        ],
    }


def beside(results):
    """Return two runs in Markdown, side by side: fastnet, and the best of the others."""
    heads, groups = ["network/batch", "dtype"], []
    for result in results:
        name = result["isa"] if result["isa"] != "native" else result["cpu"]
        heads += [f"{name}: {word}" for word in ("limit", "fastnet", "best", "best / fastnet")]
        groups.append({(row["network"], row["dtype"]): row for row in result["rows"]})
    lines = [f"| {' | '.join(heads)} |", "|---" * len(heads) + "|"]
    for name, dtype in dict.fromkeys(key for rows in groups for key in rows):
        cells = [name, dtype]
        for rows in groups:
            row = rows.get((name, dtype), {})
            if "ratio" not in row:
                cells += [""] * 4
                continue
            ours = next(
                row["microseconds"][name][1] for name in OURS if name in row["microseconds"]
            )
            best = row["microseconds"][row["best"]][1]
            slower = " **slower**" if row["ratio"] < 1 else ""
            cells += [f"{row['limit']:.3g}", f"{ours:.4g}", f"{best:.4g} ({row['best']})"]
            cells.append(f"{row['ratio']:.2f}{slower}")
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines)


# Of a library that has more than one contender, the picture shows the faster.
LIBRARIES = {
    "NumPy": ("NumPy layers", "NumPy loop"),
    "PyTorch": ("PyTorch", "torch.compile"),
    "JAX": ("JAX jit", "JAX scan"),
    "scikit-learn": ("scikit-learn",),
}


def picture(result, file):
    """Draw how many times fastnet's time each library takes, a line a network."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    from fastnet.plot.axes import COLOURS, INK, MARKS, dressed

    rows = [row for row in result["rows"] if OURS[0] in row["microseconds"]]
    # 8 inches, which are 800 pixels of a README: its smallest words are 12 pixels high.
    figure = Figure((8, 1.3 + 0.5 * len(rows)), layout="constrained", facecolor="none", dpi=200)
    FigureCanvasAgg(figure)
    ax = dressed(figure.add_subplot())
    ax.set(facecolor="none", xscale="log")
    ax.axvline(1, color=INK, linewidth=2.5)
    largest = 2.0
    for at, row in enumerate(rows):
        micros = {name: times[1] for name, times in row["microseconds"].items()}
        ours = micros[OURS[0]]
        for i, names in enumerate(LIBRARIES.values()):
            found = [micros[name] / ours for name in names if name in micros]
            if found:
                largest = max(largest, min(found))
                below = (i - 1.5) * 0.2  # each on a height of its own: near ones do not overlap
                ax.plot(min(found), at + below, MARKS[i], color=COLOURS[i], markersize=7)
        words = f"{ours:.3g} µs" if ours < 1000 else f"{ours / 1000:.3g} ms"
        ax.text(
            1.02, at, words, transform=ax.get_yaxis_transform(), va="center", color=INK, fontsize=10
        )
    ax.text(
        1.02, -0.85, "fastnet", transform=ax.get_yaxis_transform(), va="center", color=INK,
        fontsize=10, fontweight="bold",
    )  # fmt: skip
    labels = [
        row["network"].replace("100-100-100-100", "100×4") + (" f64" * (row["dtype"] == "float64"))
        for row in rows
    ]
    ax.set_yticks(range(len(rows)), labels, fontsize=10)
    ax.set_ylim(len(rows) - 0.5, -0.5)
    ax.set_xlim(0.8, 1.4 * largest)
    ax.xaxis.set_major_formatter("{x:g}×")
    ax.tick_params(axis="x", labelsize=10)
    ax.grid(axis="x", color=INK, alpha=0.3)
    for at in range(len(rows) - 1):
        ax.axhline(at + 0.5, color=INK, alpha=0.3, linewidth=0.6)
    ax.set_axisbelow(True)
    ax.spines[["top", "right", "left"]].set_visible(False)
    ax.tick_params(axis="y", length=0)
    threads = "one thread" if result["threads"] == 1 else f"{result['threads']} threads"
    words = (
        f"times fastnet's time for a training step; {result['cpu']}, {result['vectors']}, {threads}"
    )
    ax.set_xlabel(words, size=10)
    for i, name in enumerate(LIBRARIES):
        ax.plot([], [], MARKS[i], color=COLOURS[i], markersize=8, label=name)
    ax.plot([], [], color=INK, linewidth=2.5, label="fastnet")
    figure.legend(
        loc="outside upper center", ncols=5, frameon=False, labelcolor=INK, fontsize=10,
        handletextpad=0.3, columnspacing=1.5,
    )  # fmt: skip
    figure.savefig(file, dpi=200, facecolor="none", format="png")
