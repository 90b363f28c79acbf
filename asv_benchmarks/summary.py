"""How fast every benchmark is today, on one page of asv's site.

    python -m asv_benchmarks.summary
    cd asv_benchmarks && asv preview

runs `asv publish`, and writes summary.html beside asv's index.html: a row for each benchmark, by
words, with its time, how many times NumPy's speed it has (`track_min_ratio_*`), its share of the
machine's limit (`track_share_*`), the line of its history, and the commits at which it jumped.
"""

import argparse
import json
import statistics
import subprocess
import sys
from datetime import datetime, timezone
from html import escape
from itertools import groupby, product
from pathlib import Path
from string import Template
from urllib.parse import quote

from asv.config import Config
from asv.graph import Graph

from asv_benchmarks.causes import History, cause

HERE = Path(__file__).resolve().parent
RATIO, SHARE, TIME = "track_min_ratio_", "track_share_", "time_"
# Least value -> class of the cell, which summary.html colours.
SHADES = {
    RATIO: {5: "best", 2: "good", 1.05: "fair", 0.95: "even", 0: "slower"},
    SHARE: {0.75: "best", 0.5: "good", 0.25: "fair", 0: "even"},
}
NOISE = 1.3  # README.md: "Differences below 1.3 are noise"
# Parameters that say which operation it is; all others say on what.
WHICH = ("loss", "name", "node", "layer", "function", "rule", "optimizer", "kernel", "metric")
# What a row shows of several sets of parameters, the first of these that it has.
SHOWN_SHAPES = ("100-784-50", "784-50-10/100", "64-32-10/32")
NEXT_TAB = '<li id="nav-li-summarylist">'  # of asv's index.html


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


def subject_of(method, which):
    """Return the name of an operation: affine_forward, huber_forward, Dense.forward."""
    words = [*which, method]
    return "_".join(words).replace(" ", "_") if "".join(which).islower() else ".".join(words)


def collected(site, index, machine):
    """Return {(word, class, subject): {set of parameters: {prefix: (curve, link)}}}."""
    table, shares = {}, {}
    for prefix in (RATIO, TIME, SHARE):
        for name in sorted(index["benchmarks"]):
            group, _, method = name.rpartition(".")
            if not method.startswith(prefix):
                continue
            word, _, kind = group.removesuffix("Ratio").partition(".")
            for parameters, curve in curves(site, index, name, machine):
                if not curve:  # never measured, or by another name
                    continue
                link = graph_link(name, parameters, machine)
                plain = {
                    key: value.strip("'") if value.startswith("'") else f"{key}={value}"
                    for key, value in parameters.items()
                }
                if prefix == TIME and plain.pop("implementation", "fastnet") != "fastnet":
                    continue
                which = [plain.pop(key).partition("=")[2] or value.strip("'")
                         for key, value in parameters.items() if key in WHICH]  # fmt: skip
                words = " ".join(plain.values())
                if prefix == RATIO:
                    curve = {revision: 1 / y for revision, y in curve.items()}
                if prefix == SHARE:
                    subject = which[0] if which else method.removeprefix(prefix)
                    shares.setdefault(subject, (word, kind, {}))[2][words] = curve, link
                    continue
                row = word, kind, subject_of(method.removeprefix(prefix), which)
                table.setdefault(row, {}).setdefault(words, {})[prefix] = curve, link
    for subject, (word, kind, sets) in shares.items():
        of_kernel = [row for row in table if row[2] == subject]
        row = table.setdefault(of_kernel[0] if of_kernel else (word, kind, subject), {})
        for words, share in sets.items():
            joined(row, words)[SHARE] = share
    return table


def joined(row, words):
    """Return the set of a row that a share stands beside: of all its words, else of its own.

    A share has no shape where it is that of work.py: it stands beside the usual one.
    """
    if words in row:
        return row[words]
    own = set(words.split())
    known = [key for key in row if own <= set(key.split())] or [
        key for key in row if own >= set(key.split())
    ]
    return row[shown_set(known)] if known else row.setdefault(words, {})


def shown_set(sets):
    """Return the set of parameters that a row shows: float32 and a usual shape, if there are."""

    def rank(words):
        found = words.split()
        shape = next((i for i, name in enumerate(SHOWN_SHAPES) if name in found), len(SHOWN_SHAPES))
        return "float64" in found, shape

    return min(sets, key=rank)


def jumps_of(curve, index):
    """Return [(old hash, new hash, revision, change)] where a curve moves by more than noise.

    From one measured commit to the next, and from the median of three to that of the next three, as
    far as there are so many: a single commit that was measured badly is no jump.
    """
    names, revisions, values, found = index["revision_to_hash"], [*curve], [*curve.values()], []
    for i in range(1, len(values)):
        step = values[i] / values[i - 1]
        lasting = statistics.median(values[i : i + 3]) / statistics.median(
            values[max(0, i - 3) : i]
        )
        if min(step, lasting) > NOISE or max(step, lasting) < 1 / NOISE:
            old, new = (names[str(revision)] for revision in revisions[i - 1 : i + 1])
            found.append((old, new, revisions[i], step - 1))
    return found


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


def today_of(found, prefix, today):
    """Return today's value of a set of parameters, or None."""
    return found[prefix][0].get(today) if prefix in found else None


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


def jumps_html(sets, names, index, history):
    """Return a row's jumps, the newest first, each with its commit and the cause; and how many."""
    found = {}
    for words, by_prefix in sets.items():
        prefix = RATIO if RATIO in by_prefix else SHARE
        if prefix in by_prefix:
            for old, new, revision, change in jumps_of(by_prefix[prefix][0], index):
                of = ", ".join(filter(None, [words, "of the limit" * (prefix == SHARE)]))
                found.setdefault((-revision, old, new), []).append((change, of))
    lines = []
    for (_, old, new), changes in sorted(found.items()):
        changes.sort()
        low, high = percents(changes[0][0]), percents(changes[-1][0])
        size = low if low == high else f"{low} to {high}"
        where = changes[0][1] if len(changes) == 1 else f"{len(changes)} sets of parameters"
        where = f" ({escape(where)})" if len(sets) > 1 else ""
        mark = "▼" * (changes[0][0] < 0) + "▲" * (changes[-1][0] > 0)
        because = cause_html(cause(history, old, new, names), old, new, index["hash_length"])
        lines.append(f'<p class="jump">{mark} {size}{where}: {because}</p>')
    return "".join(lines), len(found)


def cause_html(found, old, new, length):
    """Return the commits of a jump with their notes."""
    causes, count, measured = found
    if not count:
        return f"<code>{new[:length]}</code>, which this clone does not have"
    said = "; ".join(f"<code>{name[:length]}</code> {escape(note)}" for name, note in causes[:3])
    if count > 1:
        likely = "likely " if len(causes) < count else ""
        said += f" ({likely}of {count} commits since <code>{old[:length]}</code>)"
    return said if measured else f"{said}. Nothing that is measured changed: it is the machine"


def set_line(words, found, today):
    """Return the line of one set of parameters in the list of a row."""
    parts = []
    for prefix, of in ((TIME, ""), (RATIO, " NumPy"), (SHARE, " of the limit")):
        value = today_of(found, prefix, today)
        if value is not None:
            text = figure(prefix, value)[0]
            parts.append(f'<a href="{escape(found[prefix][1])}">{text}{of}</a>')
    return f"<li>{escape(words) or 'without parameters'}: {', '.join(parts) or 'no result'}</li>"


def row_html(key, sets, today, index, history):
    """Return the row of a benchmark."""
    word, kind, subject = key
    shown = shown_set(sets)
    found = sets[shown]
    values = [today_of(one, RATIO, today) for one in sets.values()]
    slower = sum(value is not None and value < 0.95 for value in values)
    jumps, count = jumps_html(sets, {word, subject, kind.lower()}, index, history)
    broken = escape(subject).replace("_", "_<wbr>").replace(".", ".<wbr>")  # where lines may end
    known = kind.lower() == word.replace("_", "")  # the class says what the word does
    about = " ".join(filter(None, ["" if known else kind, shown]))
    more = ""
    if len(sets) > 1:
        lines = "".join(set_line(words, one, today) for words, one in sets.items())
        warn = f", {slower} slower than NumPy" if slower else ""
        more = f"<details><summary>{len(sets)} sets of parameters{warn}</summary>"
        more += f"<ul>{lines}</ul></details>"
    return (
        f'<tr role="row" data-slower="{int(slower > 0)}" data-jumps="{count}">'
        f'<th role="rowheader" scope="row" data-value="{escape(word)}.{escape(subject)}">'
        f'<span class="word">{escape(word)}.</span><b>{broken}</b> <small>{escape(about)}</small>'
        f"{jumps}{more}</th>{cell('Time', found, TIME, today)}"
        f"{cell('Times NumPy', found, RATIO, today)}{cell('Of the limit', found, SHARE, today)}"
        f"{trend_cell(found, today)}</tr>"
    )


def group_html(word, rows, today, index, history):
    """Return the rows of a word, below its name."""
    values = [today_of(sets[shown_set(sets)], RATIO, today) for _, sets in rows]
    values = [value for value in values if value]
    mean = f", {spelled(RATIO, statistics.geometric_mean(values))} NumPy" if values else ""
    head = f"<b>{escape(word)}</b> {len(rows)} benchmark{'s' * (len(rows) > 1)}{mean}"
    body = "\n".join(row_html(key, sets, today, index, history) for key, sets in rows)
    return (
        f'<tbody role="rowgroup" id="{escape(word)}"><tr role="row" class="group">'
        f'<th role="rowheader" scope="rowgroup" colspan="5">{head}</th></tr>\n{body}\n</tbody>'
    )


def newest(table):
    """Return the last revision that has a ratio or a share, or -1."""
    return max(
        (
            revision
            for sets in table.values()
            for found in sets.values()
            for prefix in (RATIO, SHARE)
            if prefix in found
            for revision in found[prefix][0]
        ),
        default=-1,
    )


def page(site, repository, machine=None):
    """Return the page of a site that asv has published, for one machine or for the last to run."""
    index = json.loads((site / "index.json").read_text())
    machines = dict(sorted(index["machines"].items()))
    if machine not in {None, *machines}:
        sys.exit(f"summary: --machine must be one of {', '.join(machines)}, got {machine}.")
    tables = {name: collected(site, index, name) for name in ([machine] if machine else machines)}
    machine = max(tables, key=lambda name: newest(tables[name]), default=None)
    today = newest(tables[machine]) if machine else -1
    if today < 0:
        sys.exit(f"summary: there are no results of {RATIO}*. First: asv run -b {RATIO} HEAD^!")
    table, history = dict(sorted(tables[machine].items())), History(repository)
    shown = [sets[shown_set(sets)] for sets in table.values()]
    values = [value for found in shown if (value := today_of(found, RATIO, today))]
    timed = any(TIME in found for found in shown)
    seconds = index["revision_to_date"][str(today)] / 1000
    facts = [machines[machine].get(key) for key in ("cpu", "num_cpu", "os")]
    return Template((HERE / "summary.html").read_text(encoding="utf-8")).substitute(
        project=escape(index["project"]),
        commit=index["revision_to_hash"][str(today)][: index["hash_length"]],
        date=datetime.fromtimestamp(seconds, timezone.utc).date(),
        machine=escape(f"{machine} ({', '.join(filter(None, facts))})"),
        count=len(values),
        total=len(table),
        mean=spelled(RATIO, statistics.geometric_mean(values)) if values else "–",
        slower=sum(value < 0.95 for value in values),
        untimed="" if timed else ' class="untimed"',  # a column without a number is not shown
        rows="\n".join(
            group_html(word, list(rows), today, index, history)
            for word, rows in groupby(table.items(), lambda row: row[0][0])
        ),
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
    settings = Config.load(str(config))
    site, repository = config.parent / settings.html_dir, config.parent / settings.repo
    file = site / "summary.html"
    file.write_text(page(site, repository, arguments.machine), "utf-8")
    index = site / "index.html"
    tabs = f'<li><a href="summary.html">Summary</a></li>{NEXT_TAB}'
    index.write_text(index.read_text("utf-8").replace(NEXT_TAB, tabs, 1), "utf-8")
    print(file)


if __name__ == "__main__":
    main()
