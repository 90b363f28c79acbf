"""The picture that `python -m asv_benchmarks.explain --all --png FILE` draws."""

import math
import statistics

import numpy as np

from fastnet import kernels

ACTIVATIONS = ("elementary", "activations", "rectifiers", "gates")
LOSSES = ("softmax", "losses", "cross_entropy", "soft_cross_entropy", "sequence_loss", "hinge")
# Title of a panel -> files of kernels/, and how the names of its kernels end.
PANELS = {
    "Products and networks": (
        (
            *("gemm", "affine", "attention", "train", "predict", "differences"),
            *("convolution", "convolution_input", "convolution_weights"),
            *("gru", "lstm", "reset_after_gru", "rnn"),
        ),
        "",
    ),
    "Optimizers and penalties": (("updates", "clipping", "penalties"), ""),
    "Activations, forward": (ACTIVATIONS, "_forward"),
    "Activations, backward": (ACTIVATIONS, "_backward"),
    "Losses, forward": (LOSSES, "_forward"),
    "Losses, backward": (LOSSES, "_backward"),
    "Normalization, dropout, embedding": (
        ("batch_normalization", "rescaling", "dropout", "embedding", "sampling"),
        "",
    ),
    "Nodes, pooling, counts of words": (
        ("nodes", "pooling", "average_pooling", "co_occurrence", "columns"),
        "",
    ),
}

# Okabe and Ito's colours, which colour-blind eyes tell apart, and a mark of its own for each.
PLACES = {
    "L1": ("#009e73", "^"),
    "L2": ("#0072b2", "o"),
    "L3": ("#d55e00", "s"),
    "memory": ("#a0507f", "D"),
}
OTHER = ("#555555", "v")
LEADER = {"arrowstyle": "-", "alpha": 0.4, "linewidth": 0.6, "relpos": (0, 0.5), "shrinkA": 1}

INTENSITY = (0.04, 100)  # FLOPs a byte that are shown: a kernel with more stands on the edge


def panel_of(name):
    """Return the title of the panel that shows a kernel."""
    file = getattr(kernels, name).__module__.rpartition(".")[2]
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


def draw(result, bandwidths, file):
    """Draw a panel a family: FLOPs a byte and GFLOP/s of each kernel below the machine's roofs."""
    peak = statistics.median(row["peak_gflops"] for row in result["kernels"])
    dtype = result["kernels"][0]["dtype"]
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure
    from PIL import Image  # which matplotlib needs, too

    panels = {
        title: [row for row in result["kernels"] if panel_of(row["kernel"]) == title]
        for title in PANELS
    }
    # Each row of panels is as high as the longer list of names asks for.
    rows = [[*panels][i : i + 2] for i in range(0, len(panels), 2)]
    heights = [max(2.4, *(0.6 + LINE * lines_of(panels[title]) for title in row)) for row in rows]
    figure = Figure(figsize=(11, sum(heights) + 0.9 * len(rows)), layout="constrained")
    FigureCanvasAgg(figure)
    grid = figure.subplots(len(rows), 2, height_ratios=heights, squeeze=False)
    for axes, title, height in zip(grid.flat, PANELS, np.repeat(heights, 2), strict=True):
        slowest = min((r["gflops"] for r in panels[title] if not moves_only(r)), default=3)
        axes.set(xscale="log", yscale="log", xlim=INTENSITY)
        axes.set_ylim(min(3, slowest / 1.5), 1.6 * peak)
        axes.set_title(title, loc="left", fontsize=10, fontweight="bold")
        axes.grid(alpha=0.2)
        axes.spines[["top", "right"]].set_visible(False)
        axes.set_xlabel("FLOPs a byte", fontsize=8)
        axes.set_ylabel("GFLOP/s", fontsize=8)
        axes.tick_params(labelsize=8)
        axes.xaxis.set_major_formatter("{x:g}")
        axes.yaxis.set_major_formatter("{x:g}")
        draw_roofs(axes, peak, bandwidths)
        draw_kernels(axes, panels[title], PANELS[title][1], dtype, LINE / height)
    shown = {row["place"] for row in result["kernels"]}
    marks = [
        axes.plot([], [], mark, color=colour, label=f"arrays in {place}")[0]
        for place, (colour, mark) in PLACES.items()
        if place in shown
    ]
    # The roofs are named once: in eight panels their words lay over lines and marks.
    for place, bandwidth in bandwidths.items():
        words, colour = f"{place} {bandwidth:.0f} GB/s", PLACES.get(place, OTHER)[0]
        marks += axes.plot([], [], color=colour, label=words)
    figure.legend(handles=marks, loc="outside lower center", ncols=len(marks), frameon=False)
    vectors = f" ({result['vectors']})" if "vectors" in result else ""
    figure.suptitle(
        f"{result['cpu']}{vectors}, one core, {dtype}. Roofs: multiply-adds in "
        "registers, and copying within each cache.\nPercentages: of what the roofline allows, "
        "with bytes that move as the kernel reads, updates and writes them.",
        fontsize=10,
    )
    figure.set_dpi(110)
    figure.canvas.draw()
    # 64 colours: a quarter of the bytes. By coverage, as the median cut makes the rare ones grey.
    image = Image.fromarray(np.asarray(figure.canvas.buffer_rgba())[..., :3])
    image = image.quantize(64, method=Image.Quantize.MAXCOVERAGE, dither=Image.Dither.NONE)
    image.save(file, format="PNG", optimize=True)


LINE = 0.145  # inches between two names


def moves_only(row):
    """Tell whether a kernel stands left of the picture: it has (almost) no FLOPs."""
    return row["flops"] < INTENSITY[0] * row["bytes"]


def lines_of(rows):
    """Return how many lines the names of a panel take, with the head above those without FLOPs."""
    return len(rows) + 1.5 * any(map(moves_only, rows))


def draw_roofs(axes, peak, bandwidths):
    left, right = axes.get_xlim()
    axes.plot([left, right], [peak, peak], color="black", linewidth=1)
    axes.text(left * 1.1, peak * 1.08, f"{peak:.0f} GFLOP/s", ha="left", fontsize=7)
    for place, bandwidth in bandwidths.items():
        colour, _ = PLACES.get(place, OTHER)
        axes.plot([left, peak / bandwidth], [left * bandwidth, peak], color=colour, linewidth=1)


def label(row, ending, dtype):
    other = f" ({row['dtype']})" if row["dtype"] != dtype else ""
    return row["kernel"].removesuffix(ending) + other


def draw_kernels(axes, rows, ending, dtype, line):
    """Mark the kernels; their names stand on the right, apart, each with a line to its mark.

    Those without FLOPs have no mark, and stand below the others; `line` is the height of one.
    """
    right = axes.get_xlim()[1]
    low, high = map(math.log10, axes.get_ylim())
    moving = [row for row in rows if moves_only(row)]
    computing = sorted((r for r in rows if r not in moving), key=lambda r: r["gflops"])
    floor = line * (len(moving) + 1.5) if moving else 0
    heights = [(math.log10(row["gflops"]) - low) / (high - low) for row in computing]
    for row, height in zip(computing, apart(heights, line, floor, 1), strict=True):
        colour, mark = PLACES.get(row["place"], OTHER)
        point = min(row["flops"] / row["bytes"], right), row["gflops"]
        axes.plot(
            *point, mark, color=colour, markersize=5, markeredgecolor="white", zorder=3,
            clip_on=False,
        )  # fmt: skip
        axes.annotate(
            f"{label(row, ending, dtype)} {row['share']:.0%}", point,
            xytext=(1.05, height), textcoords="axes fraction", fontsize=7, va="center",
            arrowprops=LEADER | {"color": colour}, annotation_clip=False,
        )  # fmt: skip
    for i, row in enumerate([None, *moving] if moving else []):
        words = "(almost) without FLOPs:"
        if row:
            words = f"{label(row, ending, dtype)} {row['gbytes']:.3g} GB/s {row['share']:.0%}"
        axes.text(
            1.05, line * (len(moving) - i), words, transform=axes.transAxes, fontsize=7,
            va="center", style="normal" if row else "italic",
        )  # fmt: skip
