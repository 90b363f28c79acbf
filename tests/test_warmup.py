"""`fastnet warmup`: every kernel, into the cache, so that nothing compiles afterwards."""

import json
import os
import re
import subprocess
import sys
from collections import Counter

import pytest

from fastnet import cli, kernels
from fastnet.kernels import _jit, checked
from fastnet.warmup import ACTIVATIONS, versions

# Uses all that layers, losses, functions, SGD and models have, in both dtypes; prints what the
# cache did for every jitted function of the project.
EVERYTHING = """
import json, sys
import numpy as np
from fastnet import functions, layers, losses, optimizer, penalties
from fastnet.models import Sequential, TwoLayerNet
from fastnet.optimizer import SGD

rng = np.random.default_rng(0)
for dtype in ("float32", "float64"):
    x, t = rng.random((6, 4)).astype(dtype), np.arange(6) % 3
    affine = layers.Affine(np.ones((4, 3), dtype), np.ones(3, dtype))
    product = layers.MatMul(np.ones((4, 3), dtype))
    one_each = [affine, product, layers.Sigmoid(), layers.Relu(), layers.Tanh(), layers.Softmax()]
    units = "Identity Step LeakyRelu Elu Softplus Silu Gelu Dropout".split()
    one_each += [getattr(layers, name)() for name in units]
    one_each += [layers.Gelu("tanh"), layers.Repeat(2), layers.Sum()]
    for layer in one_each:
        for given in (x, x[0], x[::2], x.T.copy().T, x.tolist()):
            layer.backward(layer.forward(given))
    normalization = layers.BatchNormalization(np.ones(4, dtype), np.ones(4, dtype))
    normalization.backward(normalization.forward(x)), normalization.forward(x, False)
    embedding = layers.Embedding(x)
    embedding.backward(embedding.forward(t))
    for node in (layers.Add(), layers.Multiply()):
        node.backward(node.forward(x, x[0]))
    for name in ("l1_penalty", "l1_penalty_gradient", "l2_penalty", "l2_penalty_gradient"):
        getattr(penalties, name)(x, 0.1)
    SGD().update(affine.params, affine.grads)
    SGD().update({"W": product.W}, {"W": product.dW})
    for name in optimizer.__all__:
        if name[0].isupper():
            getattr(optimizer, name)(clip_norm=1).update(affine.params, affine.grads)
    optimizer.clip_by_norm(affine.grads, 1)
    for activation in (None, "sigmoid", "relu", "tanh"):
        dense = layers.Dense(3, activation)
        dense.build(4, rng, np.dtype(dtype))
        dense.backward(dense.forward(x))
    for loss in (layers.SoftmaxWithLoss(), losses.SoftmaxCrossEntropy()):
        for targets in (t, np.eye(3)[t]):
            loss.forward(x[:, :3], targets)
            loss.backward()
    yes = np.where(x > 0.5, 1.0, 0.0).astype(dtype)
    for name, kind in losses.LOSSES.items():
        loss = kind()
        if "hinge" in name or "sparse" in name or "softmax" in name:
            targets = yes * 2 - 1 if name in ("hinge", "squared_hinge") else t
        else:
            targets = yes
        loss.forward(x, targets)
        loss.backward()
    loss = losses.SigmoidWithLoss()
    loss.forward(x, yes)
    loss.backward()
    functions.sum_squared_error(x, yes)
    for function in (functions.sigmoid, functions.relu, functions.softmax):
        function(x), function(x[0])
    functions.cross_entropy_error(functions.softmax(x), t)
    for name, units, targets in (
        ("softmax_cross_entropy", 3, t), ("mean_squared_error", 1, x[:, 0]),
    ):
        for rows in (x.astype("float32"), x.astype("float64"), (x * 255).astype("uint8")):
            stack = [layers.Dense(5, "tanh"), layers.MatMul(np.ones((5, units))), layers.Sigmoid()]
            model = Sequential(stack, loss=name, dtype=dtype, seed=0)
            model.fit(rows, targets, 2, 4, validation_data=(rows, targets))
            model.predict(rows), model.evaluate(rows, targets), model.gradient(rows, targets)
            model.numerical_gradient(rows, targets)
            SGD().update(model.params, model.grads)
            if name == "softmax_cross_entropy":
                model.predict_proba(rows)
network = TwoLayerNet(4, 5, 3)
SGD().update(network.params, network.gradient(x, t))
network.accuracy(x, t)

hits, misses = {}, {}
for name, module in list(sys.modules.items()):
    if name.startswith("fastnet.kernels."):
        for value in vars(module).values():
            if hasattr(value, "stats"):
                kernel, stats = value.__qualname__, value.stats
                hits[kernel] = sum(stats.cache_hits.values())
                misses[kernel] = [str(types) for types in stats.cache_misses]
print(json.dumps({"hits": hits, "misses": misses}))
"""


def run(folder, *arguments):
    return subprocess.run(
        [sys.executable, *arguments],
        env={**os.environ, "NUMBA_CACHE_DIR": str(folder)},
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )


def test_every_public_kernel_is_in_the_list():
    public = {name for name in kernels.__all__ if callable(getattr(kernels, name))}
    listed = Counter(kernel.__name__ for kernel, _ in versions())
    expected = {name: 4 if name in ACTIVATIONS else 2 for name in public}
    expected |= {"work_size": 1, "dropout_mask": 1}
    expected["central_differences"] = 1  # of float64 alone
    own = [kernel for kernel in vars(checked).values() if hasattr(kernel, "exact_types")]
    assert len(own) > 5
    assert listed == expected | {kernel.__name__: len(kernel.exact_types) for kernel in own}


def test_after_a_warmup_nothing_compiles(tmp_path):
    count = len(versions())
    where = re.escape(str(tmp_path / "fastnet_")) + r"[0-9a-f]{16}"
    first = run(tmp_path, "-m", "fastnet", "warmup")
    assert (first.returncode, first.stderr) == (0, "")
    assert re.fullmatch(rf"compiled \d+ kernels in \d+\.\d s, into {where}\n", first.stdout)

    used = run(tmp_path, "-W", "error", "-c", EVERYTHING)
    assert (used.returncode, used.stderr) == (0, "")
    seen = json.loads(used.stdout)
    assert {name: types for name, types in seen["misses"].items() if types} == {}
    assert seen["hits"]["train_epochs"] == 2 and sum(seen["hits"].values()) > count // 2

    again = run(tmp_path, "-m", "fastnet", "warmup")
    assert (again.returncode, again.stderr) == (0, "")
    assert re.fullmatch(
        rf"all {count} kernels were compiled already, in {where} \(\d+\.\d s\)\n", again.stdout
    )


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
    monkeypatch.setattr(_jit, "_CACHE_FOLDER", None)
    with pytest.raises(SystemExit) as caught:
        cli.main(["warmup"])
    assert caught.value.code == 2
    assert capsys.readouterr() == (
        "",
        "fastnet warmup: the cache must have a folder that can be written, got none. Set "
        "NUMBA_CACHE_DIR to one.\n",
    )


def test_a_full_disk(monkeypatch, capsys):
    class Kernel:
        stats = kernels.sgd_update.stats

        def compile(self, types):
            raise OSError(28, "No space left on device")

    monkeypatch.setattr("fastnet.warmup.versions", lambda: [(Kernel(), ())])
    with pytest.raises(SystemExit) as caught:
        cli.main(["warmup"])
    assert caught.value.code == 1
    message = f"the cache {str(_jit.cache_directory())!r} was not written: "
    assert capsys.readouterr().err == (
        f"fastnet warmup: {message}[Errno 28] No space left on device\n"
    )
