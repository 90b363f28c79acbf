"""A save is whole or not at all, and what cannot be saved is told."""

import os
import stat

import pytest

from fastnet.checkpoint import load_model
from fastnet.layers import Dense
from fastnet.models import Sequential


def test_an_interrupted_save_leaves_the_old_file(saved, monkeypatch):
    old = saved.read_bytes()
    model = Sequential([Dense(2)], seed=9)
    model.build(4)
    for name in ("fsync", "replace"):
        for error in (OSError(28, "No space left on device"), KeyboardInterrupt()):

            def fail(*arguments, error=error):
                assert len(os.listdir(saved.parent)) == 2  # the temporary file is beside it
                raise error

            with monkeypatch.context() as patch:
                patch.setattr(os, name, fail)
                with pytest.raises(type(error)):
                    model.save(saved)
            assert saved.read_bytes() == old
            assert os.listdir(saved.parent) == [saved.name]
    model.save(saved)
    assert saved.read_bytes() != old and os.listdir(saved.parent) == [saved.name]


def test_synced_before_it_is_renamed_and_the_folder_after(saved, monkeypatch):
    done = []
    for name in ("fsync", "replace"):
        real = getattr(os, name)

        def watched(*arguments, name=name, real=real):
            is_folder = name == "fsync" and stat.S_ISDIR(os.fstat(arguments[0]).st_mode)
            size = 0 if name == "replace" or is_folder else os.fstat(arguments[0]).st_size
            done.append((name, "folder" if is_folder else size))
            return real(*arguments)

        monkeypatch.setattr(os, name, watched)
    load_model(saved).save(saved)
    after = [("fsync", "folder")] if os.name == "posix" else []
    assert done == [("fsync", saved.stat().st_size), ("replace", 0), *after]


@pytest.mark.skipif(os.name != "posix", reason="permissions and symbolic links of POSIX")
def test_permissions_and_symbolic_links_are_those_of_any_file(saved, tmp_path):
    plain = tmp_path / "plain"
    plain.touch()
    assert saved.stat().st_mode == plain.stat().st_mode
    link = tmp_path / "link"
    link.symlink_to(plain)
    load_model(saved).save(link)
    assert link.is_symlink() and plain.read_bytes() == saved.read_bytes()


def test_a_model_that_does_not_know_its_input_size(path):
    with pytest.raises(RuntimeError) as caught:
        Sequential([Dense(3), Dense(2)]).save(path)
    assert "the number of inputs must be known. Call fit or build(n_in) first" in str(caught.value)
    assert not path.exists()
    Sequential([Dense(3, input_shape=(4,)), Dense(2)]).save(path)
    assert Sequential.load(path).parameter_count == 4 * 3 + 3 + 3 * 2 + 2


@pytest.mark.skipif(os.name != "posix", reason="named pipes of POSIX")
def test_places_that_cannot_be_written(saved, tmp_path):
    model = load_model(saved)
    fifo = tmp_path / "fifo"  # as good as /dev/null, and no harm when this test is red
    os.mkfifo(fifo)
    for place, error, message in [
        (
            tmp_path,
            IsADirectoryError,
            "a file to write, got the folder /.... Add a file name, such as model.safetensors.",
        ),
        (
            tmp_path / "none" / "m",
            FileNotFoundError,
            "in a folder that exists, got /.... Make the folder first.",
        ),
        (fifo, ValueError, "a regular file, got /.... Give another file name."),
    ]:
        with pytest.raises(error) as caught:
            model.save(place)
        text = str(caught.value).replace(repr(str(place)), "/...")
        assert text == f"save_model: path must be {message}"
    assert stat.S_ISFIFO(fifo.stat().st_mode)
