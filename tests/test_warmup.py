"""`fastnet warmup`: every kernel, into the cache, so that nothing compiles afterwards."""

import json
import re
import sys
from collections import Counter
from importlib import import_module
from pathlib import Path

import children
import pytest

from fastnet import cli, kernels
from fastnet.kernels import _cache, _folders
from fastnet.kernels._compile import Kernel, LoopFunction, jit, vector
from fastnet.warmup import versions

SCRIPTS = ("first/train_two_layer.py", "first/train_deep.py", "second/spiral.py", "second/words.py")


def run(*arguments, **where):
    return children.run([sys.executable, *arguments], 600, **where)


# Kernels of one dtype, or of none.
ONCE = {
    "co_occurrence_forward",
    "shuffle_forward",
    "unigram_sampler_forward",
    "work_size",
    "dropout_mask",
    "central_differences",
    "copy_labels",
    "two_layer_gradient",
}


def in_the_files():
    """Yield every kernel and every function by address that a file of kernels/ has a name for."""
    folder = Path(kernels.__file__).parent
    for path in sorted(folder.rglob("*.py")):
        words = path.relative_to(folder).with_suffix("").parts
        module = import_module(".".join(["fastnet.kernels", *words]).removesuffix(".__init__"))
        yield from (
            value for value in vars(module).values() if isinstance(value, Kernel | LoopFunction)
        )


def test_every_kernel_is_in_the_list():
    """Those that the loop calls by address, too; in both dtypes, each version once."""
    listed = Counter(versions())
    found = list(in_the_files())
    assert sum(isinstance(value, LoopFunction) for value in found) > 40
    known = {value.kernel if isinstance(value, LoopFunction) else value for value in found}
    assert len(known) > 150 and {kernel for kernel, _ in listed} == known
    assert set(listed.values()) == {1}
    for kernel in known:
        wanted = [types for other, types in listed if other is kernel]
        assert wanted == kernel.versions and wanted
        dtypes = [{str(getattr(t, "dtype", t)) for t in types} for types in wanted]
        both = all(any(dtype in found for found in dtypes) for dtype in ("float32", "float64"))
        assert both != (kernel.__name__ in ONCE), kernel.__name__
        # As the API makes them: of others a warm-up would compile what nobody calls.
        arrays = [t for types in wanted for t in types if hasattr(t, "layout")]
        assert all(array.layout == "C" and array.mutable for array in arrays), kernel.__name__


@pytest.mark.slow
@pytest.mark.timeout(1800)
def test_after_a_warmup_nothing_compiles(root):
    """In the cache of all tests: that of another folder would take a minute to fill."""
    count = len(versions())
    where = re.escape(str(_cache.cache_directory()))
    done = rf"all {count} kernels were compiled already, in {where} \(\d+\.\d s\)\n"
    first = run("-m", "fastnet", "warmup")
    assert (first.returncode, first.stderr) == (0, "")
    assert re.fullmatch(rf"compiled \d+ kernels in \d+\.\d s, into {where}\n|{done}", first.stdout)

    used = run("-W", "error", str(Path(__file__).parent / "shared" / "uses_everything.py"))
    assert (used.returncode, used.stderr) == (0, "")
    seen = json.loads(used.stdout)
    assert seen["compiled"] == [] and seen["loaded"] > 0.9 * count

    for script in SCRIPTS:
        path = root / "tests" / "dropin" / script
        used = run("-m", "fastnet", "run", path.name, cwd=path.parent)
        assert used.returncode == 0 and "compiling" not in used.stderr, used.stderr

    again = run("-m", "fastnet", "warmup")
    assert (again.returncode, again.stderr) == (0, "")
    assert re.fullmatch(done, again.stdout)


def test_a_terminal_shows_progress(monkeypatch, capsys):
    steps = []

    class Bar:
        def __init__(self, total, unit):
            steps.append((total, unit))

        def update(self):
            steps.append("update")

        def close(self):
            steps.append("close")

    monkeypatch.setattr("fastnet.models.progress.progress_bar", Bar)
    monkeypatch.setattr("fastnet.warmup.versions", lambda: versions()[:1] * 2)
    assert cli.main(["warmup"]) == 0
    assert steps == [(2, "kernel"), "update", "update", "close"]
    printed = capsys.readouterr()
    assert printed.err == "" and re.fullmatch(r"(all|compiled) .* kernels .*\n", printed.out)


def test_without_a_folder_there_is_nothing_to_warm_up(monkeypatch, capsys):
    monkeypatch.setattr(_folders, "written", lambda: None)
    with pytest.raises(SystemExit) as caught:
        cli.main(["warmup"])
    assert caught.value.code == 2
    assert capsys.readouterr() == (
        "",
        "fastnet warmup: the cache must have a folder that can be written, got none. Set "
        "NUMBA_CACHE_DIR to one.\n",
    )


def test_a_full_disk(monkeypatch, capsys, caplog, tmp_path):
    """One warning, which names the first, and exit status 1: an image without them is no image."""

    def full(folder, name, *parts):
        raise OSError(28, "No space left on device")

    def work(x, out):
        pass

    kernels_of_mine = [jit(vector, vector)(work) for _ in range(2)]
    found = [(kernel, types) for kernel in kernels_of_mine for types in kernel.versions]
    monkeypatch.setattr("fastnet.warmup.versions", lambda: found)
    monkeypatch.setattr(_folders, "ROOTS", [tmp_path])
    monkeypatch.setattr(_folders, "written", lambda: tmp_path / _folders.NAME)
    monkeypatch.setattr(_folders, "write", full)
    monkeypatch.setattr(_cache, "said_unwritten", False)
    assert cli.main(["warmup"]) == 1
    assert capsys.readouterr().out.startswith("compiled 4 kernels in ")
    (warning,) = caplog.messages
    assert re.fullmatch(
        rf"fastnet: {re.escape(str(tmp_path / _folders.NAME))}/work-\w+\.kernel was not written "
        r"\(\[Errno 28\] No space left on device\): the next process compiles it again\. .*",
        warning,
    )
    assert all(kernel.signatures for kernel in kernels_of_mine)


def test_clean(monkeypatch, capsys, tmp_path):
    """Before it compiles, which may need the room."""
    old = tmp_path / f"kernels-{'0' * 16}-x-512"
    old.mkdir()
    (old / "a.kernel").write_bytes(bytes(2_345_678))
    monkeypatch.setattr(_folders, "ROOTS", [tmp_path])
    monkeypatch.setattr(_folders, "written", lambda: tmp_path / _folders.NAME)
    monkeypatch.setattr("fastnet.warmup.versions", lambda: [])
    assert cli.main(["warmup"]) == 0
    assert old.exists() and "removed" not in capsys.readouterr().out
    assert cli.main(["warmup", "--clean"]) == 0
    first, second = capsys.readouterr().out.splitlines()
    assert first == "removed 1 files of other versions, 2.3 MB"
    assert second.startswith("all 0 kernels were compiled already, in ")
    assert not old.exists()
