"""Break the code at random places, one at a time, and see whether the tests notice.

    python tests/mutants.py --count 20 --seed 1 [FILE ...]      without files: kernels/ and fastnet/

Each mutant is one operator, comparison, number, condition or `not` that is another, in a copy of
the tree in a temporary folder; what stands in a text for the user is left alone. The tests of the
file's word run first, then those that import it, up to the first that fails. A mutant that all of
them pass is a survivor: write the test that it shows to be missing, or say why no test could see it
(an equal one: a block size, a hint to the CPU). The exit status is 1 where one survived.

Kernels that do not name what is changed, nor what names it, are taken out of the checkout's cache,
as far as it has them: `fastnet warmup` fills it. The others are compiled anew. On one busy core
half of those that die do so within 4 s, of kernels 5, and a survivor takes a minute.
"""

import argparse
import ast
import functools
import os
import random
import re
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from mutations import mutations
from stale_kernels import ROOT, defined, kernel_files, stale_names
from test_architecture import TESTED_BY

ROOMS = ("kernels", "fastnet")
OF_ALL_KERNELS = ("test_fences.py", "test_bits.py")  # memory outside, and all results' bits
PASSED = (0, 5)  # statuses of pytest: 5 where all of the tests are slow ones
FIRST = 3  # tests that most mutants die of: the others are not even imported then
OF_SOURCES = "tests/cache/test_shared.py::test_its_symbol_is_of_these_sources"  # see keep_symbols
SECONDS = 400  # for one test of a mutant: what hangs is noticed, and a busy machine is not


def run_in(tree, words):
    """Run Python in the tree; bytecode is kept there, whatever the shell says, for the next."""
    environment = {k: v for k, v in os.environ.items() if k != "PYTHONDONTWRITEBYTECODE"}
    environment["PYTHONPATH"] = str(tree)
    command = [sys.executable, *words]
    return subprocess.run(command, cwd=tree, env=environment, capture_output=True, text=True)


def keep_symbols(tree, stamp):
    """Let shared functions of the changed tree have the symbols that kernels of the cache call."""
    file, line = tree / "kernels" / "_pipeline.py", '_MADE_FOR = f"{STAMP}x'
    source = file.read_text(encoding="utf-8")
    file.write_text(source.replace(line, line.replace("{STAMP}", stamp)), encoding="utf-8")


def fill_cache(tree, stale, warm):
    """Copy the kernels that are not stale into the cache of the changed tree; return its folder."""
    told = run_in(tree, ["-c", "from fastnet.kernels import _folders; print(_folders.written())"])
    if told.returncode:  # it cannot be imported: the tests will say so
        return None
    folder = Path(told.stdout.strip())
    for file in warm.glob("*.kernel"):
        if not stale(file.name.rpartition("-")[0]):
            shutil.copy2(file, folder / file.name)
    return folder


def names_of(path):
    """Return the public names that a file defines, and those of the files above that import it.

    Above a file of kernels/ are also others of them and what those are used by, where they are few:
    what is used everywhere has tests of its own.
    """
    sources = [path]
    if path.parts[0] == "kernels":
        words = {file.relative_to(ROOT): words_of(file) for file in kernel_files().values()}
        for _ in range(2):
            names = set().union(*map(_public, sources))
            users = [file for file, said in words.items() if said & names and file not in sources]
            sources += [file for file in users if file.stem != "__init__"] if len(users) < 9 else []
    modules = "|".join(re.escape(module_of(source)) for source in sources)
    files = [p for p in (ROOT / "fastnet").rglob("*.py") if "kernels" not in p.parts]
    above = [p for p in files if re.search(rf"from ({modules}) import", p.read_text())]
    if path.parts[0] == "kernels" or len(above) < 9:
        sources += [p.relative_to(ROOT) for p in above]
    return set().union(*map(_public, sources))


@functools.cache
def words_of(path):
    return {*re.findall(r"\w+", path.read_text(encoding="utf-8"))}


def _public(path):
    tree = ast.parse((ROOT / path).read_text(encoding="utf-8"))
    names = defined(tree)[0]
    if path.parts[0] != "kernels":  # and what a class can do
        classes = [node for node in tree.body if isinstance(node, ast.ClassDef)]
        names |= {n.name for node in classes for n in node.body if isinstance(n, ast.FunctionDef)}
    return {name for name in names if name[0] != "_" and len(name) > 3}


def module_of(path):
    """Return the name that a file is imported by."""
    own = path.with_suffix("").parts
    return ".".join(["fastnet", *(own[1:] if own[0] == "fastnet" else own)])


def with_shared(text, shared):
    """Return a test's text with those of the files of tests/shared that it imports, and they do."""
    found, names = [text], set()
    for each in found:
        for name in re.findall(r"^(?:from|import) (\w+)", each, re.M):
            if name in shared and name not in names:
                names.add(name)
                found.append(shared[name])
    return "\n".join(found)


def function_at(source, start):
    """Return the text at a place of a source: a function, its class's name, or all outside."""
    line, text = source.count("\n", 0, start) + 1, ""
    for node in ast.walk(ast.parse(source)):  # the outermost first
        if isinstance(node, ast.ClassDef | ast.FunctionDef):
            if node.lineno <= line <= node.end_lineno:
                text += f"{node.name} "
                if isinstance(node, ast.FunctionDef):
                    return text + ast.get_source_segment(source, node)
    return source


def told_by(tests, words, names):
    """Return how much each test says of the names; one counts for more the fewer tests say it."""
    told = dict.fromkeys(tests, 0.0)
    for name in names:
        saying = [test for test in tests if name in words[test]]
        for test in saying:
            told[test] += 1 / len(saying)
    return told


@functools.cache
def all_tests():
    """Return the text of each test with what it imports of tests/shared, and its words."""
    files = (ROOT / "tests" / "shared").glob("*.py")
    shared = {path.stem: path.read_text(encoding="utf-8") for path in files}
    tests = sorted((ROOT / "tests").rglob("test_*.py"))
    texts = {test: with_shared(test.read_text(encoding="utf-8"), shared) for test in tests}
    return texts, {test: {*re.findall(r"\w+", text)} for test, text in texts.items()}


def tests_of(path, function=""):
    """Return the test files of a source file: of its word, of its users, of its names.

    Where a function of it is given, those come first that say most of its words; in the end five
    are asked that say more of them than all others, and of kernels, what all of them go through.
    """
    word = path.stem.strip("_") if path.stem != "__init__" else path.parent.name
    room = path.parts[1].removesuffix(".py")
    names = [re.compile(rf"test_{name}(_\w+)?\.py") for name in (word, room)]
    texts, words = all_tests()
    tests = list(texts)
    part = path.relative_to(path.parts[0]).with_suffix("").as_posix().removeprefix("reference/")
    own = [ROOT / "tests" / TESTED_BY[part]] if part in TESTED_BY else []
    own += [
        t for name in names for t in tests if t.parent.name == "tests" and name.fullmatch(t.name)
    ]
    own += [test for test in tests if test.parent.name in (word, room)]  # tests/models/
    if room == "reference" and part != path.stem:  # what compares it with what it is the twin of
        home = ROOT if part.startswith("kernels/") else ROOT / "fastnet"
        twins = [home / f"{part}.py", *(ROOT / "kernels").rglob(path.name)]  # or in a room
        twin = [t for t in twins if t.is_file()][:1]
        asked = [ROOT / test for t in twin for test in tests_of(t.relative_to(ROOT))]
        own += [test for test in asked if "reference" in texts[test]]
    if not own:  # a part of a word of fastnet/
        own = [t for t in tests if t.name.startswith(f"test_{word.partition('_')[0]}")]
    above, _, last = module_of(path).rpartition(".")
    imported = re.compile(rf"\b{above}(\.| import .*\b){last}\b")
    users = [test for test in tests if imported.search(texts[test])]
    told = told_by(tests, words, names_of(path))
    most = sorted(filter(told.get, tests), key=told.get, reverse=True)[:3]
    asked = [*own, *most, *users]
    if function:
        told = told_by(tests, words, {*re.findall(r"\w{2,}", function)})
        asked.sort(key=told.get, reverse=True)
        asked += sorted(tests, key=told.get, reverse=True)[:5]
    if path.parts[0] == "kernels":
        asked += [ROOT / "tests" / name for name in OF_ALL_KERNELS]
    return [str(test.relative_to(ROOT)) for test in dict.fromkeys(asked)]


def survives(tree, tests):
    """Return whether all tests pass in the tree, and what else there is to say."""
    if not tests:
        return True, "no test of its own"
    options = ["-q", "-x", "-p", "no:cacheprovider", f"--timeout={SECONDS}"]
    options += [f"--deselect={OF_SOURCES}"]
    done = run_in(tree, ["-m", "pytest", *options, *tests[:FIRST]])
    if done.returncode in PASSED and tests[FIRST:]:
        done = run_in(tree, ["-m", "pytest", *options, *tests[FIRST:]])
    if "file or directory not found" in done.stderr:
        raise SystemExit(done.stderr)
    failed = re.findall(r"^(?:FAILED|ERROR) (\S+)", done.stdout, re.M)
    if "Timeout" in done.stdout + done.stderr:
        return False, f"no end within {SECONDS} s"
    if done.returncode < 0:
        return False, f"ended by signal {-done.returncode}"
    return done.returncode in PASSED, failed[0] if failed else ""


def main(words=None):
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("files", nargs="*", type=Path, metavar="FILE")
    parser.add_argument("--count", type=int, default=10, help="mutants (default: 10)")
    parser.add_argument("--seed", type=int, default=0)
    arguments = parser.parse_args(words)
    files = arguments.files or [p for room in ROOMS for p in (ROOT / room).rglob("*.py")]
    files = [path.resolve().relative_to(ROOT) for path in files if "__pycache__" not in path.parts]
    files = [p for p in files if p.parts[:2] not in (("fastnet", "kernels"), ("fastnet", "data"))]
    sources = {path: (ROOT / path).read_text(encoding="utf-8") for path in sorted(set(files))}
    places = [(path, m) for path, source in sources.items() for m in mutations(source)]
    chosen = random.Random(arguments.seed).sample(places, min(arguments.count, len(places)))
    from fastnet.kernels import _folders

    warm, survivors = _folders.written(), 0
    with tempfile.TemporaryDirectory() as folder:
        tree = Path(folder) / "tree"
        known = subprocess.check_output(["git", "ls-files"], cwd=ROOT, text=True).split("\n")
        for name in filter(None, known):
            if (ROOT / name).is_file() or (ROOT / name).is_symlink():
                (tree / name).parent.mkdir(parents=True, exist_ok=True)
                shutil.copy2(ROOT / name, tree / name, follow_symlinks=False)
        keep_symbols(tree, _folders.STAMP)
        warm = fill_cache(tree, stale_names(None), warm)  # and what tests compile in it
        for path, (start, end, text) in chosen:
            source = sources[path]
            (tree / path).write_text(source[:start] + text + source[end:], encoding="utf-8")
            line, began, made = source.count("\n", 0, start) + 1, time.monotonic(), None
            if path.parts[0] == "kernels":  # else it is that of the kernels as they are
                keep_symbols(tree, _folders.STAMP)
                made = fill_cache(tree, stale_names(path, line), warm)
            alive, why = survives(tree, tests_of(path, function_at(source, start)))
            (tree / path).write_text(source, encoding="utf-8")
            keep_symbols(tree, _folders.STAMP)
            if made not in (None, warm):
                shutil.rmtree(made, ignore_errors=True)
            survivors += alive
            change = f"{source[start:end]!r} -> {text!r}"
            word = "SURVIVED" if alive else "killed"
            seconds = time.monotonic() - began
            print(f"{word:<9}{path}:{line}: {change} {why} ({seconds:.0f} s)", flush=True)
    print(f"{len(chosen) - survivors} of {len(chosen)} killed.")
    return int(survivors > 0)


if __name__ == "__main__":
    sys.exit(main())
