"""The picture that `python -m asv_benchmarks.explain --all --png FILE` draws."""

import math

from fastnet import kernels

# Title of a panel -> files of kernels/, and how the names of its kernels end.
PANELS = {
    "Products and networks": (("gemm", "affine", "training", "gradient"), ""),
    "Optimizers and penalties": (("updates", "penalties"), ""),
    "Activations, forward": (("elementary", "activations", "linear_units"), "_forward"),
    "Activations, backward": (("elementary", "activations", "linear_units"), "_backward"),
    "Losses, forward": (("softmax", "losses", "cross_entropy", "hinge"), "_forward"),
    "Losses, backward": (("softmax", "losses", "cross_entropy", "hinge"), "_backward"),
    "Normalization, dropout, embedding": (("batch_normalization", "dropout", "embedding"), ""),
    "Nodes": (("nodes",), ""),
}

# Okabe and Ito's colours, which colour-blind eyes tell apart, and a mark of its own for each.
PLACES = {
    "L1": ("#009e73", "^"),
    "L2": ("#0072b2", "o"),
    "L3": ("#d55e00", "s"),
    "memory": ("#a0507f", "D"),
}
OTHER = ("#555555", "v")


def panel_of(name):
    """Return the title of the panel that shows a kernel."""
    file = getattr(kernels, name).py_func.__module__.rpartition(".")[2]
    return next(
        title
        for title, (files, ending) in PANELS.items()
        if file in files and name.endswith(ending)
    )


def apart(heights, least, low, high):
    """Return sorted heights moved so little that all are `least` apart, between low and high."""
    moved = []
    for height in heights:
        moved.append(max(height, low, moved[-1] + least if moved else low))
    ceiling = high
    for i in reversed(range(len(moved))):
        moved[i] = min(moved[i], ceiling)
        ceiling = moved[i] - least
    return moved


def draw(result, file):
    """Draw a panel a family: FLOPs a byte and GFLOP/s of each kernel below the machine's roofs."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(11, 15), layout="constrained")
    FigureCanvasAgg(figure)
    computing = [row for row in result["kernels"] if row["flops"]]
    left = min(row["flops"] / row["bytes"] for row in computing) / 2
    right = max(row["flops"] / row["bytes"] for row in computing) * 2
    low = min(row["gflops"] for row in computing) / 2
    high = result["peak_gflops"] * 2.5
    for axes, title in zip(figure.subplots(4, 2).flat, PANELS, strict=True):
        rows = [row for row in result["kernels"] if panel_of(row["kernel"]) == title]
        axes.set(xscale="log", yscale="log", xlim=(left, right), ylim=(low, high))
        axes.set_title(title, loc="left", fontsize=10, fontweight="bold")
        axes.grid(alpha=0.2)
        axes.spines[["top", "right"]].set_visible(False)
        axes.set_xlabel("FLOPs a byte", fontsize=8)
        axes.set_ylabel("GFLOP/s", fontsize=8)
        axes.tick_params(labelsize=8)
        draw_roofs(axes, result, left, right)
        draw_kernels(axes, rows, PANELS[title][1])
    shown = {row["place"] for row in computing}
    marks = [
        axes.plot([], [], mark, color=colour, label=f"arrays in {place}")[0]
        for place, (colour, mark) in PLACES.items()
        if place in shown
    ]
    figure.legend(handles=marks, loc="outside lower center", ncols=len(marks), frameon=False)
    figure.suptitle(
        f"{result['cpu']}, one core, {result['kernels'][0]['dtype']}. Lines: multiply-adds in "
        "registers, and copying within each cache.\nPercentages: of what the roofline allows, "
        "where bytes move as this kernel reads and writes them.",
        fontsize=10,
    )
    figure.savefig(file, format="png", dpi=110)


def draw_roofs(axes, result, left, right):
    peak = result["peak_gflops"]
    axes.plot([left, right], [peak, peak], color="black", linewidth=1)
    axes.text(right, peak * 1.08, f"{peak:.0f} GFLOP/s", ha="right", fontsize=7)
    for place, bandwidth in result["bandwidths"].items():
        colour, _ = PLACES.get(place, OTHER)
        ridge = peak / bandwidth
        axes.plot([left, ridge], [left * bandwidth, peak], color=colour, linewidth=1)
        x = left * 1.15
        axes.annotate(
            f"{place} {bandwidth:.0f} GB/s", (x, x * bandwidth), xytext=(0, 2),
            textcoords="offset points", color=colour, fontsize=6.5, rotation=0,
        )  # fmt: skip


def draw_kernels(axes, rows, ending):
    """Mark the kernels; their names stand on the right, apart, each with a line to its mark."""
    computing = sorted((row for row in rows if row["flops"]), key=lambda row: row["gflops"])
    low, high = map(math.log10, axes.get_ylim())
    heights = [(math.log10(row["gflops"]) - low) / (high - low) for row in computing]
    for row, height in zip(computing, apart(heights, 0.047, 0, 1), strict=True):
        colour, mark = PLACES.get(row["place"], OTHER)
        point = row["flops"] / row["bytes"], row["gflops"]
        axes.plot(*point, mark, color=colour, markersize=5, markeredgecolor="white", zorder=3)
        axes.annotate(
            f"{row['kernel'].removesuffix(ending)} {row['share']:.0%}", point,
            xytext=(1.04, height), textcoords="axes fraction", fontsize=7, va="center",
            arrowprops={"arrowstyle": "-", "color": colour, "alpha": 0.35, "linewidth": 0.6},
            annotation_clip=False,
        )  # fmt: skip
    moving = [row for row in rows if not row["flops"]]
    if moving:
        words = [
            f"{row['kernel'].removesuffix(ending)} {row['gbytes']:.3g} GB/s {row['share']:.0%}"
            for row in moving
        ]
        axes.text(
            0.98, 0.03, "without FLOPs:\n" + "\n".join(words), transform=axes.transAxes,
            ha="right", va="bottom", fontsize=7,
        )  # fmt: skip
