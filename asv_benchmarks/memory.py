"""Print the peak memory that a training step of SimpleConvNet with 100 images asks for.

    python -m asv_benchmarks.memory [--books FOLDER] [--batch N] [--json FILE]

Each contender runs in a process of its own, in float32, on images that are there already: the
layers that are called by hand, `Sequential.fit`, the books' layers as they stand and in one dtype,
and PyTorch. A step of one image comes first, which loads or compiles what the contender is made of:
its memory is a figure of its own. After a step of all images Linux' record of the peak is cleared
and one more is made: what it adds to the memory that the process then holds, and what of that the
step before it left behind, are the other figures.
"""

import argparse
import json
import re
import subprocess
import sys
from pathlib import Path

CONTENDERS = ("fastnet", "fastnet fit", "PyTorch", "book", "book, as it stands")


def held(what):
    """Return VmRSS or VmHWM of this process, in MB."""
    text = Path("/proc/self/status").read_text()
    return int(re.search(rf"^{what}:\s+(\d+) kB$", text, re.MULTILINE)[1]) / 1024


def step_of(name, work, folder):
    """Return a function that makes a training step."""
    from asv_benchmarks import books, convnets, rows

    if name == "fastnet fit":
        return convnets.by_fit(work, 0.1)[0]
    if name == "PyTorch":
        return convnets.torch_steps(work, 0.1)[0]
    if name == "fastnet":
        package = rows.names_of("fastnet")
    else:
        kind = "float32" if name == "book" else "float64"  # of the zeros that im2col makes
        package = books.load(folder, books.FIRST, kind)
    return convnets.by_hand(work, 0.1, package)[0]


def child(name, folder, batch):
    """Make three steps, of one image and of all; print the MB that they needed, and kept."""
    from asv_benchmarks import convnets

    one, work = (
        convnets.network("SimpleConvNet", convnets.SIMPLE, "float32", ({}, {}), batch=n, batches=1)
        for n in (1, batch)
    )
    before = held("VmRSS")
    step_of(name, one, folder)()
    run = step_of(name, work, folder)
    loaded = held("VmRSS")
    run()
    Path("/proc/self/clear_refs").write_text("5")  # forget the peak
    start = held("VmRSS")
    run()
    peak, code = held("VmHWM") - start, loaded - before
    print(json.dumps({"step": peak, "kept": start - loaded, "code": code}))


def measure(name, folder, batch):
    """Return a contender's figures, from a process of its own."""
    words = [sys.executable, "-m", "asv_benchmarks.memory", "--child", name, "--batch", str(batch)]
    words += ["--books", folder] if folder else []
    for _ in range(2):  # the first may compile kernels: Numba's compiler asks for memory, too
        done = subprocess.run(words, check=True, stdout=subprocess.PIPE, text=True)
    return json.loads(done.stdout.splitlines()[-1])


def parse(words=None):
    parser = argparse.ArgumentParser(
        prog="python -m asv_benchmarks.memory", description=__doc__.partition("\n")[0]
    )
    parser.add_argument("--books", metavar="FOLDER", help="of the textbooks' repositories")
    parser.add_argument("--batch", type=int, default=100, metavar="N")
    parser.add_argument("--json", metavar="FILE", help="write the numbers there, too")
    parser.add_argument("--child", choices=CONTENDERS, help=argparse.SUPPRESS)
    arguments = parser.parse_args(words)
    if not Path("/proc/self/clear_refs").exists():
        parser.error("the peak can be cleared on Linux only.")
    return arguments


def main(arguments):
    from asv_benchmarks import environment

    environment.prepare(1)
    if arguments.child:
        return child(arguments.child, arguments.books, arguments.batch)
    print(f"SimpleConvNet, a step of {arguments.batch} images, float32, MB of memory\n")
    print("| contender | peak of a step, over what is held | held after it | sum | code, before |")
    print("|---|---|---|---|---|")
    result = {}
    for name in CONTENDERS:
        if name.startswith("book") and not arguments.books:
            continue
        try:
            found = measure(name, arguments.books, arguments.batch)
        except subprocess.CalledProcessError:
            print(f"{name} is left out: it ended with an error", file=sys.stderr)
            continue
        result[name] = found
        total = found["step"] + found["kept"]
        figures = found["step"], found["kept"], total, found["code"]
        print(f"| {name} | {' | '.join(f'{mb:.1f}' for mb in figures)} |", flush=True)
    if arguments.json:
        Path(arguments.json).write_text(json.dumps(result, indent=1), "utf-8")


if __name__ == "__main__":
    main(parse())
