"""What is installed is what stands in the tree, and each way of reaching it works."""

import doctest
import importlib
import importlib.metadata
import os
import shutil
import sys
import tarfile
import zipfile
from pathlib import Path

import children
import numba
import pytest

import fastnet
import fastnet.kernels

PACKAGE = Path(fastnet.__file__).resolve().parent


def run(*arguments, cwd):
    """Run Python on the arguments, on no path but its own and cwd, and return its output."""
    inherited = {k: v for k, v in os.environ.items() if k not in ("PYTHONPATH", "PYTHONSAFEPATH")}
    done = children.run([sys.executable, *map(str, arguments)], cwd=cwd, env=inherited)
    assert done.returncode == 0, f"{arguments}:\n{done.stdout}\n{done.stderr}"
    return done.stdout


# --------------------------------------------------------------------------- wheel and sdist


@pytest.fixture(scope="module")
def tree(root, tmp_path_factory):
    """A copy of all that a package is built from, without whatever lies about in the checkout."""
    copy = tmp_path_factory.mktemp("packaging") / "tree"
    hidden = shutil.ignore_patterns("__pycache__", ".*")
    for folder in ("fastnet", "kernels"):
        shutil.copytree(root / folder, copy / folder, symlinks=True, ignore=hidden)
    for file in root.iterdir():
        if file.is_file() and not file.name.startswith("."):
            shutil.copy(file, copy)
    return copy


@pytest.fixture(scope="module")
def package_files(tree):
    """Bytes of every file in fastnet/ and kernels/, by the name that it has in a wheel."""
    files = {}
    for folder, name in (("fastnet", "fastnet"), ("kernels", "fastnet/kernels")):
        for path, _, found in os.walk(tree / folder):  # does not enter the link fastnet/kernels
            inside = name / Path(path).relative_to(tree / folder)
            found = [file for file in found if not file.endswith(".png")]  # of kernels/README.md
            files |= {(inside / file).as_posix(): Path(path, file).read_bytes() for file in found}
    return files


def build(tree, out, *options):
    """Build with the setuptools that the `test` extra installed: nothing is downloaded."""
    run("-m", "build", "--no-isolation", *options, "--outdir", out, tree, cwd=out)


def unpacked(wheel):
    with zipfile.ZipFile(wheel) as archive:
        names = [name for name in archive.namelist() if ".dist-info/" not in name]
        return {name: archive.read(name) for name in names}


@pytest.fixture(scope="module")
def wheel(tree, tmp_path_factory):
    out = tmp_path_factory.mktemp("wheel")
    build(tree, out, "--wheel")
    return next(out.glob("*.whl"))


def test_every_package_of_the_tree_is_named(root):
    """In pyproject.toml, whose list the wheel goes by; at once, where a wheel takes a minute."""
    tomllib = pytest.importorskip("tomllib", reason="comes with Python 3.11")
    named = tomllib.loads((root / "pyproject.toml").read_text(encoding="utf-8"))
    found = {
        ".".join(file.parent.relative_to(root).parts)
        for package in ("fastnet", "fastnet/kernels")  # a link, which glob does not follow
        for file in (root / package).rglob("__init__.py")
    }
    assert found == set(named["tool"]["setuptools"]["packages"])


@pytest.mark.slow
def test_the_wheel_holds_the_files_of_the_tree(wheel, package_files):
    files = unpacked(wheel)
    assert sorted(files) == sorted(package_files)
    assert files == package_files
    some = {"fastnet/py.typed", "fastnet/data/digits.npz", "fastnet/kernels/simd/lanes.py"}
    assert some <= set(files)
    assert "fastnet/kernels/loop/train.py" in files


@pytest.mark.slow
def test_the_wheel_installs_no_top_level_name_but_fastnet(wheel):
    with zipfile.ZipFile(wheel) as archive:
        tops = {name.partition("/")[0] for name in archive.namelist()}
    assert tops == {"fastnet", f"fastnet_numba-{fastnet.__version__}.dist-info"}


@pytest.mark.slow
def test_the_sdist_builds_the_same_wheel(tree, wheel, tmp_path):
    build(tree, tmp_path)  # the wheel is built from the unpacked sdist
    [rebuilt] = tmp_path.glob("*.whl")
    assert unpacked(rebuilt) == unpacked(wheel)
    with tarfile.open(next(tmp_path.glob("*.tar.gz"))) as sdist:
        names = {name.partition("/")[2] for name in sdist.getnames()}
    assert "kernels/simd/lanes.py" in names
    assert not any(name.startswith("fastnet/kernels") for name in names)


def test_the_tests_run_what_is_installed(root):
    if PACKAGE.parent == root:
        assert "FASTNET_TEST_INSTALLED" not in os.environ, "the tests import the checkout"
        pytest.skip("the tests import the checkout; .ci/run has them import the wheel")
    assert importlib.metadata.version("fastnet-numba") == fastnet.__version__


# --------------------------------------------------------------------------- ways to reach it

WHERE = "import fastnet, fastnet.kernels.gemm as k; print(fastnet.__file__); print(k.__file__)"


def places(tree, kernels):
    return [str(tree / "fastnet" / "__init__.py"), str(tree / kernels / "gemm.py")]


def test_a_checkout_needs_no_install(tree):
    assert run("-c", WHERE, cwd=tree).split() == places(tree, "fastnet/kernels")


def test_a_checkout_without_symbolic_links_needs_no_install(tree, tmp_path):
    copy = shutil.copytree(tree, tmp_path / "tree", symlinks=True)
    (copy / "fastnet" / "kernels").unlink()
    (copy / "fastnet" / "kernels").write_text("../kernels")  # as git does with core.symlinks=false
    assert run("-c", WHERE, cwd=copy).split() == places(copy, "kernels")


def test_an_editable_install_reaches_the_checkout_from_anywhere(tree, tmp_path):
    site = tmp_path / "site"
    code = f"import setuptools.build_meta as b; print(b.build_editable({str(site)!r}))"
    name = run("-W", "ignore", "-c", code, cwd=tree).split()[-1]
    with zipfile.ZipFile(site / name) as archive:
        archive.extractall(site)
    # Numba and NumPy come last, and alone, lest a fastnet that is installed beside them be found.
    installed, needed = Path(numba.__file__).parents[1], tmp_path / "needed"
    needed.mkdir()
    for package in ("llvmlite", "llvmlite.libs", "numba", "numpy", "numpy.libs"):
        (needed / package).symlink_to(installed / package)
    start = f"import site, sys; site.addsitedir({str(site)!r}); sys.path.append({str(needed)!r})\n"
    out = run("-I", "-S", "-c", start + WHERE, cwd=tmp_path)
    assert out.split() == places(tree, "fastnet/kernels")


def test_kernels_is_not_a_name_to_import(tree):
    code = "try:\n import kernels\nexcept ImportError as error:\n print(error)"
    assert run("-c", code, cwd=tree).strip() == (
        "fastnet.kernels: the package must be imported by that name, got 'kernels'. Write `import "
        "fastnet.kernels`; to use another project's `kernels`, run Python outside fastnet's "
        "checkout."
    )


# --------------------------------------------------------------------------- modules


def module_names():
    """Every module of the fastnet that these tests run, wherever it is."""
    roots = {"fastnet": PACKAGE, "fastnet.kernels": Path(fastnet.kernels.__file__).parent}
    for package, root in roots.items():
        for file in [*root.glob("*.py"), *root.glob("[!_]*/**/*.py")]:
            parts = [package, *file.relative_to(root).with_suffix("").parts]
            name = ".".join(parts).removesuffix(".__init__")
            if "__" not in name and (package != "fastnet" or parts[1] != "kernels"):
                yield name


MODULES = sorted(module_names())
# What some need that is imported where they are.
NEED = {
    "fastnet.sklearn": "sklearn",
    "fastnet.interchange.torch_modules": "torch",
}
LATE = {"matplotlib", "safetensors", "scipy", "sklearn", "torch", "tqdm"}


def test_importing_every_module_brings_in_only_numpy_and_numba(tmp_path):
    path = str(PACKAGE.parent)
    code = f"""
import sys, numba  # which itself imports SciPy where it is installed
before = set(sys.modules)
sys.path.insert(0, {path!r})
import importlib
for name in {[name for name in MODULES if not name.startswith(tuple(NEED))]!r}:
    importlib.import_module(name)
print(*sorted({LATE!r} & set(sys.modules) - before))
"""
    assert run("-c", code, cwd=tmp_path).split() == []


@pytest.mark.parametrize("name", MODULES)
def test_examples(name, tmp_path, monkeypatch):
    """Run the docstrings' examples: of the installed package, where one is installed."""
    for package, needed in NEED.items():
        if name.startswith(package):
            pytest.importorskip(needed)
    monkeypatch.chdir(tmp_path)
    result = doctest.testmod(importlib.import_module(name))
    assert result.failed == 0
    documented = {"functions", "initializers", "layers", "losses", "optimizer", "models"}
    documented |= {"datasets", "penalties", "textbook", "textbook.first", "textbook.second"}
    if name.removeprefix("fastnet.") in documented:
        assert result.attempted > 0, f"{name} shows no example"
