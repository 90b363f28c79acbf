"""Our estimators in the place of scikit-learn's: patch, unpatch, the command, its own tests."""

import pickle
import re
import sys
from pathlib import Path

import children
import pytest
import sklearn
from estimated import X_iris, y_iris
from sklearn import neural_network as theirs

import fastnet.sklearn as ours

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")


def test_patch_and_unpatch(capsys, monkeypatch):
    known = type(sys)("known")
    known.MLPClassifier, known.other = theirs.MLPClassifier, theirs.MLPRegressor
    monkeypatch.setitem(sys.modules, "known", known)
    kept = theirs.MLPClassifier
    before = pickle.dumps(kept())
    ours.patch()
    try:
        ours.patch()
        assert theirs.MLPClassifier is known.MLPClassifier is ours.MLPClassifier
        assert theirs.MLPRegressor is ours.MLPRegressor
        assert type(pickle.loads(before)) is kept
        pickle.dumps(kept())
        ours.MLPClassifier(max_iter=2).fit(X_iris, y_iris)
    finally:
        ours.unpatch()
    said = capsys.readouterr().err
    assert said.count("are fastnet's now") == 1
    assert theirs.MLPClassifier is known.MLPClassifier is kept
    assert theirs.MLPClassifier.__module__.startswith("sklearn.")
    ours.unpatch()


def test_unpatch_leaves_what_has_imported_ours_by_itself(monkeypatch):
    users = type(sys)("users")
    users.MLPClassifier = ours.MLPClassifier
    monkeypatch.setitem(sys.modules, "users", users)
    ours.unpatch()
    assert users.MLPClassifier is ours.MLPClassifier
    ours.patch(verbose=False)
    ours.unpatch()
    assert users.MLPClassifier is ours.MLPClassifier is not theirs.MLPClassifier


@pytest.mark.slow
def test_scikit_learns_own_tests_pass(tmp_path):
    """All of its test_mlp.py, with our classes in the place of its own."""
    package = Path(sklearn.__file__).parent
    tests = package / "neural_network" / "tests" / "test_mlp.py"
    if not tests.is_file():
        pytest.skip("scikit-learn is installed without its tests")
    (tmp_path / "test_mlp.py").write_text(tests.read_text(encoding="utf-8"), encoding="utf-8")
    (tmp_path / "pytest.ini").write_text("[pytest]\n")
    (tmp_path / "conftest.py").write_text(
        "import fastnet.sklearn, pytest\n"
        "fastnet.sklearn.patch()\n"
        "@pytest.fixture\n"
        "def global_random_seed():\n"
        "    return 42\n"
    )
    done = children.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", str(tmp_path)],
        cwd=tmp_path,
    )  # fmt: skip
    assert re.search(r"^[0-9]{2} passed in", done.stdout, re.M), done.stdout[-3000:]


def test_the_command_runs_a_script_with_ours(tmp_path):
    script = tmp_path / "train.py"
    script.write_text(
        "import sys\n"
        "from sklearn.neural_network import MLPClassifier\n"
        "if __name__ == '__main__':\n"
        "    print(MLPClassifier.__module__, sys.argv[1:], sys.path[0])\n"
    )
    command = [sys.executable, "-m", "fastnet", "sklearn", str(script), "--folds", "5"]
    done = children.run(command)
    assert done.stdout == f"fastnet.sklearn.classifier ['--folds', '5'] {tmp_path}\n", done.stderr
    assert done.stderr.count("are fastnet's now") == 1
    from fastnet.cli import main

    with pytest.raises(SystemExit) as caught:
        main(["sklearn", str(tmp_path / "missing.py")])
    assert caught.value.code == 2
