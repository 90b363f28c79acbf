"""ADDING.md's recipes against the tree: an addition touches the files that they name, no others."""

import re

import pytest

# Section -> what the files that know its example have in them, and the most files and entries.
EXAMPLES = {
    "An activation": (r"(?i)\bmish", 8, 5),
    "A loss": (r"(?i)\blog[_-]?cosh", 8, 5),
    "An optimizer": (r"\b_?[Ll]ion\b|\blion_", 8, 5),
}
# Written by commands, or about all of them.
OTHERS = {"ADDING.md", "CHANGELOG.md", "tests/bits.json", "tests/test_adding.py"}
# What other libraries have, too, may get its row there, and is refused by name until it has.
OTHERS |= {f"fastnet/interchange/{way}.py" for way in ("from_keras", "from_torch", "to_onnx")}
OTHERS |= {"fastnet/interchange/to_torch.py", "tests/shared/interchanged.py"}
OTHERS |= {"tests/interchange/test_keras.py"}


def recipes(root):
    """Return the rows of each section's table: files, and whether they are entries of a list."""
    found = {}
    for section in (root / "ADDING.md").read_text(encoding="utf-8").split("\n## ")[1:]:
        rows = re.findall(r"^\| (`[^|]*) \| ([^|]*) \|$", section, re.M)
        files = {file: "*" in what for names, what in rows for file in re.findall("`(.*?)`", names)}
        found[section.partition("\n")[0]] = files
    return found


@pytest.fixture(scope="module")
def sources(root):
    """The files of the project that people write, with their text."""
    folders = ("fastnet", "kernels", "tests", "asv_benchmarks", "docs")
    files = [*root.glob("*.md"), *root.glob("*.toml")]
    for folder in folders:
        files += [path for path in (root / folder).rglob("*") if path.suffix in (".py", ".md")]
    names = {path: path.relative_to(root).as_posix() for path in files}
    return {
        name: path.read_text(encoding="utf-8")
        for path, name in names.items()
        if not name.startswith(("fastnet/kernels/", "asv_benchmarks/env/"))
    }


@pytest.mark.parametrize("section", EXAMPLES)
def test_a_recipe_names_the_files_that_know_its_example(root, sources, section):
    pattern, files, entries = EXAMPLES[section]
    recipe = recipes(root)[section]
    known = {name for name, text in sources.items() if re.search(pattern, text)} - OTHERS
    assert known == set(recipe)
    assert len(recipe) <= files and sum(recipe.values()) <= entries


def test_the_files_of_the_other_recipes_exist(root):
    recipe = recipes(root)["A layer of the compiled loop"]
    assert 5 < len(recipe) <= 10
    assert [file for file in recipe if not (root / file).is_file()] == []
