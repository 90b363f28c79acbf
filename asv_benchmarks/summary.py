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
from itertools import groupby
from pathlib import Path
from string import Template

from asv.config import Config

from asv_benchmarks.causes import History, cause
from asv_benchmarks.cells import cell, figure, percents, spelled, trend_cell
from asv_benchmarks.curves import (
    RATIO,
    SHARE,
    TIME,
    collected,
    jumps_of,
    newest,
    shown_set,
    today_of,
)

HERE = Path(__file__).resolve().parent
NEXT_TAB = '<li id="nav-li-summarylist">'  # of asv's index.html


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
