"""Measure convolution, pooling, recurrence and words beside the books, PyTorch and JAX, in one run.

    python -m asv_benchmarks.images_and_sequences [--books FOLDER] [--only LSTM] [--grid | --fit]
                                                  [--dtype float64] [--isa avx2] [--threads N]
                                                  [--contenders "PyTorch,JAX,fastnet"]
                                                  [--json FILE]
    python -m asv_benchmarks.images_and_sequences --beside avx2.json avx512.json

Each row is one piece of work: a layer forward and backward, or a training step. All contenders
start from the same weights and data, and must come to the results of the reference in float64, to
the rounding of their dtype, before anything is timed. They take turns, round by round; figures are
medians of CPU time on one pinned core. `--books` is a folder with checkouts of both of the
textbooks' repositories, whose own layers are then measured, their arrays in the dtype of the work.

The limit is the FLOPs of the products over the peak of multiply-adds in registers; where a row has
no products, the bytes that must move over the bandwidth of a loop that moves as many.
Rows that miss what was demanded of them say so. `--grid` measures 40 convolutions and 20
recurrences, `--fit` epochs of two Keras-style models.
"""

# ruff: noqa: E402  the environment is set before anything that reads it is imported

import argparse

from asv_benchmarks import environment


def parse(words=None):
    parser = argparse.ArgumentParser(
        prog="python -m asv_benchmarks.images_and_sequences",
        description=__doc__.partition("\n")[0],
        parents=[environment.parser()],
    )
    parser.add_argument("--books", metavar="FOLDER", help="of the textbooks' repositories")
    parser.add_argument("--only", metavar="TEXT", help="rows whose name has this text")
    parser.add_argument("--grid", action="store_true", help="many geometries")
    parser.add_argument("--fit", action="store_true", help="epochs of Keras-style models")
    parser.add_argument("--dtype", choices=["float32", "float64"], default="float32")
    parser.add_argument("--contenders", metavar="A,B", help="only these")
    parser.add_argument("--rounds", type=int, default=9, metavar="N")
    parser.add_argument("--seconds", type=float, default=6, metavar="S", help="a row, about")
    parser.add_argument("--threads", type=int, default=1, metavar="N")
    parser.add_argument("--json", metavar="FILE", help="write the numbers there, after each row")
    parser.add_argument("--beside", metavar="JSON", nargs=2, help="print two runs as one table")
    arguments = parser.parse_args(words)
    if arguments.grid and arguments.fit:
        parser.error("--grid goes without --fit.")
    if arguments.rounds < 1 or arguments.threads < 1:
        parser.error("--rounds and --threads must be at least 1.")
    return arguments


if __name__ == "__main__":
    ARGUMENTS = parse()
    environment.prepare(ARGUMENTS.threads, ARGUMENTS.isa)

import json
import math
import os
import sys
import time
from pathlib import Path

import numpy as np

from asv_benchmarks import rows
from asv_benchmarks.about import about
from asv_benchmarks.ceilings import streams_of
from asv_benchmarks.pieces import LeftOut, check
from asv_benchmarks.rows_tables import HEAD, beside, line, summary, table_head
from asv_benchmarks.timing import TINY, multiply_and_add, percentiles, repeat

RATE = 0.05  # of the steps that are compared: it moves every array, and nothing diverges
TURN = 2e-3  # seconds: shorter runs are repeated


def arrays_of(results):
    return {name: np.asarray(array) for name, array in results.items()}


def expected_of(work, reference):
    run, results = reference(work.exact(), RATE)
    run()
    return arrays_of(results())


def checked(work, names):
    """Return who does the work, ready to be timed, and {name: why not}; raise where one is wrong.

    A work whose runs change no weights is timed as it was compared.
    """
    found, left_out, expected, few = {}, {}, {}, work.few()
    for name in names:
        if name not in work.contenders:
            continue
        reference = work.references.get(name, work.references[""])
        try:
            run, results = work.contenders[name](few, RATE)
            run()
        except ModuleNotFoundError as error:
            left_out[name] = f"{error.name} is not installed"
            continue
        except LeftOut as error:
            left_out[name] = str(error)
            continue
        if reference not in expected:
            expected[reference] = expected_of(few, reference)
        check(few, name, arrays_of(results()), expected[reference])
        if work.trained:
            run, results = work.contenders[name](work, TINY)
            run()
            results()
        found[name] = run
    return found, left_out


def limit_of(work, threads):
    """Return a function to be timed, and what its seconds are to be multiplied with."""
    if work.flops:
        like, loops = np.empty(1, work.dtype), int(2e5)
        _, flops = multiply_and_add(loops, like)
        return {"peak": lambda: multiply_and_add(loops, like)}, work.flops / flops / threads
    size, *kinds = work.moved
    streams, moved = streams_of(size, *kinds, work.dtype)
    times = kinds[0] + kinds[1]  # `moved` counts these
    return streams, size * times / sum(kinds) / moved


def measure(work, names, rounds, seconds, threads, isa):
    """Return the row of a work: microseconds, [p10, p50, p90], by contender."""
    runs, left_out = checked(work, names)
    if isa in environment.IMITATED:
        seen_to_imitate(runs, isa)
    clock = time.process_time if threads == 1 else time.perf_counter
    limits, scale = limit_of(work, threads)
    counts, first = {}, {}
    for name, run in runs.items():
        start = clock()
        run()
        counts[name] = max(1, math.ceil(TURN / max(1e-7, clock() - start)))
        if clock() - start < 0.02:  # untimed: it finds its own data in the caches, as in training
            first[name] = run
    turns = {name: repeat(run, counts[name]) for name, run in runs.items()}
    spent = {name: [] for name in [*turns, *limits]}
    everyone, end = list((turns | limits).items()), time.perf_counter() + seconds
    for i in range(rounds):
        for name, run in everyone[i % len(everyone) :] + everyone[: i % len(everyone)]:
            if name in first:
                first[name]()
            start = clock()
            run()
            spent[name].append(clock() - start)
        if i >= 2 and time.perf_counter() > end:
            break
    spent = {name: sorted(times) for name, times in spent.items()}
    limit = min(percentiles(spent.pop(name), 1)[0] for name in limits) * scale
    return row_of(work, limit, left_out, {
        name: percentiles(times, 1e6 / counts[name] / work.times) for name, times in spent.items()
    })  # fmt: skip


def row_of(work, limit, left_out, micros):
    """Return the figures of a work, and what they come to."""
    row = {
        "work": work.name,
        "dtype": work.dtype.name,
        "flops": work.flops,
        "limit": limit * 1e6,
        "microseconds": micros,
        "left_out": left_out,
        "demand_best": work.best,
        "demand_book": work.book,
    }
    middle = {name: times[1] for name, times in micros.items()}
    peers = {n: t for n, t in middle.items() if n != "book" and not n.startswith("fastnet")}
    own = {name: t for name, t in middle.items() if name.startswith("fastnet")}
    if peers:
        row["best"] = min(peers, key=peers.__getitem__)
    if own:
        row["fastnet"] = min(own, key=own.__getitem__)
        ours = own[row["fastnet"]]
        row["of_limit"] = ours / row["limit"]
        if peers:
            row["ratio"] = peers[row["best"]] / ours
        if "book" in middle:
            row["book_ratio"] = middle["book"] / ours
    return row


def seen_to_imitate(runs, isa):
    """Raise where a contender leaves registers in use that the imitated CPU does not have."""
    registers = environment.Registers()
    for name, run in runs.items():
        if used := registers.used_by(run) & environment.IMITATED[isa].registers:
            sys.exit(f"--isa {isa}: {name} uses registers of wider instructions ({used:#x}).")


def main(arguments):
    if arguments.beside:
        print(beside([json.loads(Path(file).read_text("utf-8")) for file in arguments.beside]))
        return
    kind = "grid" if arguments.grid else "fit" if arguments.fit else "table"
    works = list(rows.works(kind, arguments.dtype, arguments.books))
    known = list(dict.fromkeys(name for work in works for name in work.contenders))
    works = [work for work in works if not arguments.only or arguments.only in work.name]
    if not works:
        sys.exit(f"--only must be in the name of a row, got {arguments.only}.")
    names = arguments.contenders.split(",") if arguments.contenders else known
    if not set(names) <= set(known):
        sys.exit(f"--contenders must be of {','.join(known)}, got {arguments.contenders}.")
    if not arguments.contenders:
        names = [name for name in names if name not in environment.UNSURE.get(arguments.isa, ())]
    environment.confirm(arguments.isa, [])
    result = about(arguments.threads) | {"isa": arguments.isa, "kind": kind, "rows": []}
    versions = [f"{name} {version or 'missing'}" for name, version in result["versions"].items()]
    print(f"{', '.join(versions)}; {result['cpu']}; {arguments.isa}; {arguments.dtype}; threads: "
          f"{arguments.threads}. Microseconds, medians of up to {arguments.rounds} rounds; "
          f"ratios with what was demanded\n")  # fmt: skip
    print(table_head(HEAD), flush=True)
    said = set()
    for work in works:
        row = measure(
            work, names, arguments.rounds, arguments.seconds, arguments.threads, arguments.isa
        )
        result["rows"].append(row)
        print(line(row), flush=True)
        for who, reason in row["left_out"].items():
            if (who, reason) not in said:
                print(f"{work.name}: {who} is left out: {reason}", file=sys.stderr)
                said.add((who, reason))
        if arguments.json:  # after each row: a run that is stopped keeps what it has
            with open(f"{arguments.json}.part", "w", encoding="utf-8") as file:
                json.dump(result, file, indent=1)
            os.replace(f"{arguments.json}.part", arguments.json)
    if kind == "grid":
        print("\n" + summary(result["rows"]))


if __name__ == "__main__":
    main(ARGUMENTS)
