"""The curves of a site that asv has published, by benchmark and set of parameters."""

import json
import statistics
from itertools import product
from urllib.parse import quote

from asv.graph import Graph

RATIO, SHARE, TIME = "track_min_ratio_", "track_share_", "time_"
NOISE = 1.3  # README.md: "Differences below 1.3 are noise"
# Parameters that say which operation it is; all others say on what.
WHICH = ("loss", "name", "node", "layer", "function", "rule", "optimizer", "kernel", "metric")
# What a row shows of several sets of parameters, the first of these that it has.
SHOWN_SHAPES = ("100-784-50", "784-50-10/100", "64-32-10/32")


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


def today_of(found, prefix, today):
    """Return today's value of a set of parameters, or None."""
    return found[prefix][0].get(today) if prefix in found else None


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
