"""Say which benchmarks one commit made slower or faster than another, with confidence.

    python -m asv_benchmarks.compare BASE [HEAD] [-b REGEX] [--rounds N] [--threshold SHARE]

Each commit's wheel is installed into a temporary folder, beside the interpreter's own Numba and
NumPy. Then, round by round, a process of each side times a benchmark, in turns of 20 ms on one
core: fastnet's body and the reference's, the control, in alternation. Of each the round keeps the
least time. The verdict is that of HEAD's fastnet / control over BASE's, of all rounds.

Rounds are of new processes because one commit's kernel of 0.2 us took 0.21 to 0.30 in different
ones. Turns are short because a busy neighbour on the machine slows for seconds, and not all code
alike: NumPy's tanh to 1.33 and fastnet's to 1.13 times its time.

Benchmarks and control are this checkout's for both sides; only fastnet itself is the commits'.
"""

import argparse
import contextlib
import importlib
import importlib.util
import itertools
import json
import os
import random
import re
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

from asv_benchmarks import compared_side, compared_times
from asv_benchmarks.compared_side import discover

ROOT = Path(__file__).resolve().parents[1]
SIDES = ("BASE", "HEAD")
WORKTREE = "worktree"

# What the textbooks' training is made of: 200 s, 60 of them to compile both sides.
DEFAULT = (
    r"^(activations|affine)\..*_(sigmoid|affine)_(forward|backward|backward_sgd_update)"
    r"\(float32, 100-784-50\)",
    r"^affine\..*_affine_forward\(float64, 128-512-512\)",
    r"^softmax\..*_softmax_cross_entropy_forward\(float32, 100-784-50\)",
    r"^updates\..*_update\(float32, 100000, (momentum|adam)\)",
    r"^(models\..*_fit|train\..*_train_epochs)"
    r"\((float32, (3-4-1/1|64-32-10/32|784-50-10/100)|float64, 784-50-10/100)\)",
    r"^models\..*_step_by_hand\(float32, (3-4-1/1|784-50-10/100)\)",
    r"^models\.TwoLayerNet\.",
)
TURNS = 5  # of each side in a round


class Refusal(Exception):
    """What the command cannot do, in one line."""


def command(words, why, **options):
    """Return what a command prints; where it fails, refuse: why, and its last words."""
    done = subprocess.run(words, capture_output=True, text=True, errors="replace", **options)
    if done.returncode:
        said = (done.stderr.strip() or done.stdout.strip()).splitlines()
        raise Refusal(": ".join([why, *said[-1:]]))
    return done.stdout


def git(*words, why):
    return command(["git", "-C", str(ROOT), *words], why)


def resolve(revision):
    """Return the commit that a revision names, and None for the working tree."""
    if revision == WORKTREE:
        return None
    words = "rev-parse", "--verify", "--quiet", "--end-of-options", f"{revision}^{{commit}}"
    return git(*words, why=f"{revision!r} is no commit of {ROOT}").strip()


def build(commit, site):
    """Install fastnet as a commit has it, and this checkout's benchmarks, into the folder site."""
    tree = site.with_name(site.name + ".tree")
    tree.mkdir()
    if commit is None:
        listed = git("ls-files", "-z", "--cached", "--others", "--exclude-standard", why="git")
        for name in filter(None, listed.split("\0")):
            if (ROOT / name).is_file():  # not the link fastnet/kernels, nor what was deleted
                (tree / name).parent.mkdir(parents=True, exist_ok=True)
                shutil.copy(ROOT / name, tree / name)
    else:
        archive = tree / "archive.zip"
        git("archive", "--format=zip", f"--output={archive}", commit, why="git archive")
        shutil.unpack_archive(archive, tree)
    pip = [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--no-index"]
    pip += ["--no-build-isolation", "--target", str(site), str(tree)]
    command(pip, f"{commit or WORKTREE} cannot be installed")
    shutil.rmtree(tree)
    skip = shutil.ignore_patterns("__pycache__")
    for part in ("fastnet/reference", "asv_benchmarks/benchmarks"):
        shutil.rmtree(site / part, ignore_errors=True)
        shutil.copytree(ROOT / part, site / part, ignore=skip)
    shutil.copy(compared_side.__file__, site / "asv_benchmarks")


CHILD = "from asv_benchmarks.compared_side import child; child()"


class Side:
    """A process in which fastnet is that of the folder site, for a `with` statement."""

    def __init__(self, site):
        environment = {**os.environ, "PYTHONPATH": str(site), "PYTHONSAFEPATH": "1"}
        environment["NUMBA_CACHE_DIR"] = str(site / "cache")
        for library in ("OMP", "OPENBLAS", "MKL", "FASTNET"):
            environment[f"{library}_NUM_THREADS"] = "1"
        self.name, self.said = site.name, tempfile.TemporaryFile("w+", errors="replace")
        self.process = subprocess.Popen(
            [sys.executable, "-c", CHILD, str(site)],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=self.said, text=True,
            cwd=site, env=environment,
        )  # fmt: skip

    def ask(self, *question):
        """Return the process's answer to "names", "prepare" and a name, or "time" and seconds."""
        try:
            print(json.dumps(question), file=self.process.stdin, flush=True)
            line = self.process.stdout.readline()
        except BrokenPipeError:
            line = ""
        if not line:
            self.process.wait()
            self.said.seek(0)
            last = self.said.read().strip().splitlines()[-1:]
            raise Refusal(": ".join([f"the benchmarks of {self.name} failed", *last]))
        return json.loads(line)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.kill()
        # Closes pipes and file; a question that a dead process did not take is in a pipe still.
        with self.said, contextlib.suppress(BrokenPipeError), self.process:
            pass


def matching(names, patterns):
    """Return the names in which one of the patterns is found; refuse where there is none."""
    chosen = [name for name in names if any(re.search(p, name) for p in patterns)]
    if not chosen:
        raise Refusal(f"no benchmark of {len(names)} matches {' or '.join(patterns)}")
    return chosen


def choose(sites, patterns):
    """Return the names that match and run on both sides, and {name: why not}; compile them."""
    left_out = {}
    with Side(sites[0]) as base, Side(sites[1]) as head:
        names = dict.fromkeys(name for side in (base, head) for name in side.ask("names"))
        chosen = matching(names, patterns)
        for name, side in itertools.product(chosen, (base, head)):
            if name not in left_out and (why := side.ask("prepare", name)):
                left_out[name] = f"{side.name}: {why}"
    both = [name for name in chosen if name not in left_out]
    if not both:
        raise Refusal(f"nothing runs on both sides: {next(iter(left_out.values()))}")
    return both, left_out


def measure(sites, names, rounds, seconds, progress=iter):
    """Return {name: array (rounds, side, fastnet and control)} of least seconds."""
    samples = {name: np.full((rounds, 2, 2), np.inf) for name in names}
    for i in progress(range(rounds)):
        with Side(sites[0]) as base, Side(sites[1]) as head:
            for name in random.sample(list(names), len(names)):
                for side in (base, head):
                    if why := side.ask("prepare", name):  # it ran when it was tried out
                        raise Refusal(f"{side.name}: {name}: {why}")
                least = samples[name][i]
                for turn in range(TURNS):
                    for of, side in ((0, base), (1, head))[:: 1 if (i + turn) % 2 == 0 else -1]:
                        least[of] = np.minimum(least[of], side.ask("time", seconds / TURNS))
    return samples


def arguments(words):
    parser = argparse.ArgumentParser(
        prog="python -m asv_benchmarks.compare",
        description="Compare the speed of two commits. Exits with 1 where HEAD is slower.",
    )
    parser.add_argument("base", metavar="BASE", help="a revision of git")
    parser.add_argument(
        "head", metavar="HEAD", nargs="?", default=WORKTREE, help="another; default: %(default)s, "
        "the files as they stand"
    )  # fmt: skip
    parser.add_argument(
        "-b", "--bench", metavar="REGEX", action="append", help="which benchmarks, searched in "
        "names as affine.Affine.time_affine_forward(float32, 100-784-50); may be repeated"
    )  # fmt: skip
    parser.add_argument("--rounds", type=int, default=20, help="default: %(default)s")
    parser.add_argument(
        "--threshold", type=float, default=0.05, help="the share that counts; default: %(default)s"
    )
    parser.add_argument(
        "--seconds", type=float, default=0.1, help="a benchmark and process; default: %(default)s"
    )
    parser.add_argument("--json", type=Path, help="a file for the times of every process")
    given = parser.parse_args(words)
    given.bench = given.bench or DEFAULT
    for name in ("rounds", "threshold", "seconds"):
        if not getattr(given, name) > 0:
            raise Refusal(f"--{name} must be above 0, got {getattr(given, name)}")
    for pattern in given.bench:
        try:
            re.compile(pattern)
        except re.error as error:
            raise Refusal(f"--bench must be a pattern, got {pattern!r}: {error}") from None
    return given


def enough_rounds(rounds, benchmarks):
    """Refuse fewer rounds than it takes to be sure of so many benchmarks."""
    least = compared_times.least_rounds(benchmarks)
    if rounds < least:
        raise Refusal(
            f"--rounds must be at least {least} for {benchmarks} benchmarks, got {rounds}"
        )


def before_building(given):
    """Refuse what the checkout's benchmarks tell already: building takes a minute."""
    if given.json and not given.json.absolute().parent.is_dir():
        raise Refusal(f"--json must be in a folder that exists, got {str(given.json)!r}")
    found, errors = discover()
    if not errors:  # else a commit may have more of them than the files as they stand
        enough_rounds(given.rounds, len(matching(found, given.bench)))


def at_head(commit):
    return commit == resolve("HEAD")


def compare(words=None):
    """Do what the command line says; return whether something is slower."""
    given, start = arguments(words), time.perf_counter()
    for library in ("scipy", "numba", "setuptools", "pip"):
        if importlib.util.find_spec(library) is None:
            raise Refusal(f"{library} is not installed. pip install -e '.[bench]' installs it")
    if shutil.which("git") is None:
        raise Refusal("git is not installed")
    commits = [resolve(given.base), resolve(given.head)]
    sources = ("fastnet", "kernels", "pyproject.toml")
    changed = git("status", "--porcelain", "--", *sources, why="git status").splitlines()
    if changed and commits[1] == resolve("HEAD"):
        raise Refusal(
            f"{given.head} is without the {len(changed)} changed files of this checkout, such as "
            f"{changed[0][3:]}. Commit them, or give {WORKTREE} as HEAD"
        )
    before_building(given)
    if commits[0] == commits[1] or (commits[1] is None and not changed and at_head(commits[0])):
        print(f"Both are one commit, {commits[0][:10]}: what differs is noise.", flush=True)
    with tempfile.TemporaryDirectory(prefix="compare-") as folder:
        # Names of one length: the size of the environment moves the stack, and times with it.
        sites = [Path(folder).resolve() / side for side in SIDES]
        for site, commit, name in zip(sites, commits, (given.base, given.head), strict=True):
            print(f"{site.name}: {name} {(commit or '')[:10]}", flush=True)
            build(commit, site)
        names, left_out = choose(sites, given.bench)
        enough_rounds(given.rounds, len(names))
        built = time.perf_counter()
        from tqdm import tqdm

        quiet = not sys.stderr.isatty()
        samples = measure(
            sites, names, given.rounds, given.seconds, lambda r: tqdm(r, "rounds", disable=quiet)
        )
    if given.json:
        times = {name: of_one.tolist() for name, of_one in samples.items()}
        given.json.write_text(json.dumps({"commits": commits, "seconds": times}))
    print()
    slower = compared_times.report(samples, given.threshold)
    end = time.perf_counter()
    print(f"Building took {built - start:.0f} s, {given.rounds} rounds {end - built:.0f} s.")
    for name, why in left_out.items():
        print(f"Left out: {name}, {why}")
    return slower


if __name__ == "__main__":
    try:
        sys.exit(int(compare()))
    except Refusal as refusal:
        print(f"compare: {refusal}.", file=sys.stderr)
        sys.exit(2)
