"""How fast every benchmark is today, on one page of asv's site.

    python -m asv_benchmarks.summary
    cd asv_benchmarks && asv preview

runs `asv publish`, and writes summary.html beside asv's index.html: a row for each set of
parameters of the `track_min_ratio_*` (fastnet / numpy) and the `track_share_*` (of the limit), with
the values at the newest commit that the machine has measured, the history, and a link to asv's
graph.
"""

import argparse
import json
import statistics
import subprocess
import sys
from datetime import datetime, timezone
from html import escape
from itertools import product
from pathlib import Path
from string import Template
from urllib.parse import quote

from asv.config import Config
from asv.graph import Graph

HERE = Path(__file__).resolve().parent
RATIO, SHARE = "track_min_ratio_", "track_share_"
# Least value -> class of the cell, which summary.html colours.
SHADES = {
    RATIO: {5: "best", 2: "good", 1.05: "fair", 0.95: "even", 0: "slower"},
    SHARE: {0.75: "best", 0.5: "good", 0.25: "fair", 0: "even"},
}
SLOWER = '<abbr title="slower than {}">▼</abbr> '
NOISE = 1 - 1 / 1.3  # README.md: "Differences below 1.3 are noise"
NEXT_TAB = '<li id="nav-li-summarylist">'  # of asv's index.html


def spelled(prefix, value):
    """Return a speed-up as 1.84×, a share as 43%."""
    digits = 2 if value < 10 else 1 if value < 100 else 0
    return f"{value:.{digits}f}×" if prefix == RATIO else f"{value:.0%}"


def curves(site, index, name, machine):
    """Yield the parameters of each curve of a benchmark, name to repr, and {revision: value}."""
    points = {}
    for environment in index["graph_param_list"]:
        file = site / f"{Graph.get_file_path(environment, name)}.json"
        if environment["machine"] == machine and file.exists():
            points |= json.loads(file.read_text())
    benchmark = index["benchmarks"][name]
    for i, values in enumerate(product(*benchmark["params"])):
        curve = {revision: y[i] if isinstance(y, list) else y for revision, y in points.items()}
        # asv writes null for what failed or was skipped.
        curve = {revision: y for revision, y in sorted(curve.items()) if y}
        yield dict(zip(benchmark["param_names"], values, strict=True)), curve


def graph_link(name, parameters, machine):
    """Return the address of asv's graph of one curve."""
    chosen = {"machine": machine, **{f"p-{key}": value for key, value in parameters.items()}}
    query = [f"{quote(key, safe='')}={quote(value, safe='')}" for key, value in chosen.items()]
    return f"index.html#{quote(name)}?{'&'.join(query)}"


def rows(site, index, machine):
    """List the rows of the table; row[RATIO] and row[SHARE] are (curve, link).

    A share stands beside the ratio of its kernel where all other parameters are the same, else in a
    row of its own, with the kernel's name.
    """
    table = []
    for prefix in (RATIO, SHARE):
        for name in sorted(index["benchmarks"]):
            group, _, method = name.rpartition(".")
            if not method.startswith(prefix):
                continue
            for parameters, curve in curves(site, index, name, machine):
                words = {
                    key: value.strip("'") if value.startswith("'") else f"{key}={value}"
                    for key, value in parameters.items()
                }
                subject = words.pop("kernel", method.removeprefix(prefix))
                row = {
                    "name": f"{group.removesuffix('Ratio')}.{subject}",
                    "what": (subject, words),
                    "words": " ".join(words.values()),
                }
                if prefix == RATIO:
                    curve = {revision: 1 / y for revision, y in curve.items()}
                    table.append(row)
                else:
                    namesakes = [old for old in table if old["what"][0] == subject and RATIO in old]
                    twins = [old for old in namesakes if old["what"] == row["what"]]
                    if twins:
                        row = twins[0]
                    else:
                        row["name"] = namesakes[0]["name"] if namesakes else row["name"]
                        table.append(row)
                row[prefix] = curve, graph_link(name, parameters, machine)
    return sorted(table, key=lambda row: row["name"])


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


def value_cell(row, prefix, today):
    """Return the cell of a speed-up or a share: empty where no benchmark measures it."""
    if prefix not in row:
        return "<td></td>"
    curve, link = row[prefix]
    if today not in curve:
        return "<td>no result</td>"
    value = curve[today]
    shade = next(shade for least, shade in SHADES[prefix].items() if value >= least)
    text = (SLOWER.format("NumPy") if shade == "slower" else "") + spelled(prefix, value)
    if prefix == SHARE:
        text = f'<a href="{escape(link)}" aria-label="{text} of the limit">{text}</a>'
    return f'<td class="{shade}" data-value="{value:.4g}">{text}</td>'


def change_cell(prefix, curve, today):
    """Return the cell of the history: today's value over the median of the earlier ones."""
    if len(curve) < 2:
        return "<td></td>"
    if today not in curve:
        return f"<td>{sparkline(prefix, curve)}</td>"
    earlier = [value for revision, value in curve.items() if revision < today]
    change = curve[today] / statistics.median(earlier) - 1
    text = "0%" if abs(change) < 0.005 else f"{change:+.0%}".replace("-", "\N{MINUS SIGN}")
    shade = ""
    if change < -NOISE:
        shade, text = ' class="slower"', SLOWER.format("before") + text
    return f'<td{shade} data-value="{change:.4g}">{text} {sparkline(prefix, curve)}</td>'


def row_html(row, today):
    prefix = RATIO if RATIO in row else SHARE
    curve, link = row[prefix]
    name, words = escape(row["name"]), escape(row["words"])
    broken = name.replace(".", ".<wbr>")  # where a phone's lines may end
    return (
        f'<tr><th scope="row" data-value="{name} {words}"><a href="{escape(link)}">{broken} '
        f"<small>{words}</small></a></th>{value_cell(row, RATIO, today)}"
        f"{value_cell(row, SHARE, today)}{change_cell(prefix, curve, today)}</tr>"
    )


def newest(table):
    """Return the last revision that has a value, or -1."""
    found = [row[prefix][0] for row in table for prefix in (RATIO, SHARE) if prefix in row]
    return max((revision for curve in found for revision in curve), default=-1)


def page(site, machine=None):
    """Return the page of a site that asv has published, for one machine or for the last to run."""
    index = json.loads((site / "index.json").read_text())
    machines = dict(sorted(index["machines"].items()))
    if machine not in {None, *machines}:
        sys.exit(f"summary: --machine must be one of {', '.join(machines)}, got {machine}.")
    tables = {name: rows(site, index, name) for name in ([machine] if machine else machines)}
    machine = max(tables, key=lambda name: newest(tables[name]), default=None)
    today = newest(tables[machine]) if machine else -1
    if today < 0:
        sys.exit(f"summary: there are no results of {RATIO}*. First: asv run -b {RATIO} HEAD^!")
    table = tables[machine]
    values = [row[RATIO][0][today] for row in table if RATIO in row and today in row[RATIO][0]]
    seconds = index["revision_to_date"][str(today)] / 1000
    facts = [machines[machine].get(key) for key in ("cpu", "num_cpu", "os")]
    return Template((HERE / "summary.html").read_text(encoding="utf-8")).substitute(
        project=escape(index["project"]),
        commit=index["revision_to_hash"][str(today)][: index["hash_length"]],
        date=datetime.fromtimestamp(seconds, timezone.utc).date(),
        machine=escape(f"{machine} ({', '.join(filter(None, facts))})"),
        count=len(values),
        mean=spelled(RATIO, statistics.geometric_mean(values)) if values else "–",
        slower=sum(value < 0.95 for value in values),
        rows="\n".join(row_html(row, today) for row in table),
    )


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--config", type=Path, default=HERE / "asv.conf.json", help="asv.conf.json")
    parser.add_argument("--machine", help="whose results; default: the last that ran")
    arguments = parser.parse_args()
    config = arguments.config.resolve()
    publish = [sys.executable, "-m", "asv", "publish", "--no-pull", "--config", str(config)]
    subprocess.run(publish, check=True)
    site = config.parent / Config.load(str(config)).html_dir
    file = site / "summary.html"
    file.write_text(page(site, arguments.machine), "utf-8")
    index = site / "index.html"
    tabs = f'<li><a href="summary.html">Summary</a></li>{NEXT_TAB}'
    index.write_text(index.read_text("utf-8").replace(NEXT_TAB, tabs, 1), "utf-8")
    print(file)


if __name__ == "__main__":
    main()
