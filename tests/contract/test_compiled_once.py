"""Each kernel is compiled once a dtype, whatever arrays it is given."""

import sys

import children
import numpy as np
from called_with import CALLS, LAYOUTS, UPDATES, D, N, T, inputs, read_only, scales, weights

from fastnet import functions, kernels, layers, losses, optimizer
from fastnet.textbook import second


def call_everything():
    """Run in a process of its own, where no other test has compiled a kernel."""
    # First, because Numba refuses a masked array only while a kernel is not compiled.
    masked = [np.ma.array(array) for array in weights()]
    layers.Affine(*masked).forward(masked[0])
    optimizer.SGD().update(masked, list(weights()))
    labels = [T, T.astype(np.uint8), read_only(T), T[::-1], T.tolist(), np.eye(D)[T]]
    for call in CALLS.values():
        for dtype in ("float16", "float32", "float64", "int64", "uint8"):
            for make in LAYOUTS.values():
                x, dout = (make(array.astype(dtype)) for array in inputs())
                held = np.float32 if dtype == "float32" else np.float64
                call(x, dout, held)
                if call not in UPDATES.values():
                    call(x, dout.astype(np.float64), np.float32)
    for x in inputs(np.float32):
        for shape in [(-1,), (N, D), (2, 3, D)]:
            for f in (functions.sigmoid, functions.relu):
                f(x.reshape(shape))
            for node in (layers.Add(), layers.Multiply()):
                node.backward(node.forward(x.reshape(shape), x.reshape(shape)))
        normalization = layers.BatchNormalization(*scales(np.float32))
        for each in (x, x.astype(np.float64), x.reshape(N, 2, 2), x.tolist()):
            normalization.forward(each, train_flg=False)
            layers.Dropout().forward(each)
            for dtype in ("float32", "float64"):
                convolution = layers.Convolution(np.ones((2, 1, 2, 2), dtype), np.zeros(2, dtype))
                convolution.backward(convolution.forward(np.reshape(each, (-1, 1, 2, 2))))
            embedding = layers.Embedding(each[:, :D] if each is x else x.astype(np.float64))
            for idx in (T, T.reshape(2, 3), T.tolist()):
                embedding.backward(embedding.forward(idx))
        for dtype in ("float32", "float64"):
            steps, rng = np.ones((2, 3, D), dtype), np.random.default_rng(0)
            for name, gates in (("TimeRNN", 1), ("TimeLSTM", 4), ("TimeGRU", 3)):
                arrays = [np.ones(s, dtype) for s in ((D, gates), (1, gates), (gates,))]
                recurrent = getattr(layers, name)(*arrays)
                recurrent.backward(recurrent.forward(steps))
            for recurrent in (layers.GRU(2), layers.Bidirectional(layers.LSTM(2))):
                recurrent.build(steps.shape[1:], rng, dtype)
                recurrent.backward(recurrent.forward(steps))
            pixels = np.ones((2, 4, 4, 3), dtype)
            relu = layers.Relu()  # which keeps bits of more than two axes
            relu.backward(relu.forward(pixels))
            pooling = layers.MaxPooling2D(2), layers.MaxPooling2D(3, strides=1)
            for pool in (*pooling, layers.AveragePooling2D(2), layers.GlobalAveragePooling2D()):
                pool.backward(pool.forward(pixels))
            functions.col2im(functions.im2col(pixels, 2, 2), pixels.shape, 2, 2)
            second.ppmi(second.create_co_matrix([0, 1, 0, 2], 3).astype(dtype))
        functions.softmax(x[0])
        functions.sigmoid(x[0, 0])
        layers.Affine(*weights(np.float32)).forward(x[0])
        layers.Affine(weights(np.float32)[0].T, weights()[1]).forward(x.reshape(2, 3, 2, 2)[0])
        for t in labels:
            losses.SoftmaxCrossEntropy().forward(x, t)
        for soft in (np.full((N, D), 1 / D), np.full((N, D), 1 / D, np.float32)):
            loss = losses.SoftmaxCrossEntropy()
            loss.forward(x, soft), loss.backward()
        params = [np.ones(shape, np.float32) for shape in [(), (3,), (3, 2), (2, 2, 2)]]
        optimizer.SGD(1).update(params, [param.copy() for param in params])
        optimizer.SGD(1.0).update(params, [param.copy() for param in params])
        optimizer.SGD(np.float64(1)).update([params[2].T], [params[2].T])
    found = {name: getattr(kernels, name) for name in kernels.__all__}
    found = {name: value for name, value in found.items() if hasattr(value, "signatures")}
    compiled = sum(kernel._cache_misses.total() for kernel in found.values())
    return compiled, {name: len(kernel.signatures) for name, kernel in found.items()}


def test_each_kernel_is_compiled_once_a_dtype():
    code = f"import runpy; print(runpy.run_path({__file__!r})['call_everything']())"
    # What is compiled also counts the kernels that it calls, so then a second run is looked at.
    for _ in range(2):
        run = children.run([sys.executable, "-c", code])
        assert run.returncode == 0, run.stderr
        compiled, counts = eval(run.stdout)
        if not compiled:
            break
    assert max(counts.values()) == 2, {name: n for name, n in counts.items() if n > 2}
    unused = {name for name, n in counts.items() if n == 0}
    assert unused == {  # not the layers' kernels; else the limit above would mean little
        "affine_backward_sgd_update",
        "central_differences",
        "dropout_mask",
        "exp_forward",
        "log_forward",
        "sgd_update",  # by those of kernels.checked alone
        "shuffle_forward",  # of estimators
        *(name for name in counts if name in ("predict_rows", "train_epochs", "work_size")),
    }
