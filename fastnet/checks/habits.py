"""Names that other libraries have and fastnet has not: where the thing stands here."""

from __future__ import annotations

import sys
from collections.abc import Collection
from typing import TYPE_CHECKING, Any

from fastnet.checks.names import _near

__all__ = ["Hinted", "not_another_s", "not_at_the_top", "not_in"]

KERAS, TORCH, SKLEARN = "Keras'", "PyTorch's", "scikit-learn's"
# Of the top level -> whose it is, and what to do.
TOP = {
    "Model": (KERAS, "Give the layers to Sequential([...])"),
    "Input": (KERAS, "Give the first layer an input_shape: Dense(units, input_shape=784)"),
    "InputLayer": (KERAS, "Give the first layer an input_shape: Dense(units, input_shape=784)"),
    "optimizers": (KERAS, "The module is fastnet.optimizer"),
    "LayerNormalization": (KERAS, "Take BatchNormalization(), or derive a class from Layer"),
    "ELU": (KERAS, "Take Elu()"),
    "LeakyReLU": (KERAS, "Take LeakyRelu(0.01)"),
    "MaxPool2D": (KERAS, "Take MaxPooling2D(2)"),
    "AvgPool2D": (KERAS, "Take AveragePooling2D(2)"),
    "GlobalAvgPool2D": (KERAS, "Take GlobalAveragePooling2D()"),
    "Normalization": (KERAS, "Take Rescaling(scale, offset), or BatchNormalization()"),
    "Concatenate": (KERAS, "Give Branches([...], [...]) several outputs; there is one input"),
    "Lambda": (KERAS, "Derive a class from Activation or Layer"),
    "TimeDistributed": (KERAS, "Leave it out: Dense(units) is applied to every step"),
    "TensorBoard": (KERAS, "Take CSVLogger(path), or a function of (epoch, logs)"),
    "LearningRateScheduler": (
        KERAS,
        "Give the optimizer a function of the step: Adam(lr=CosineDecay(0.01, 1000))",
    ),
    "CategoricalCrossentropy": (KERAS, "Take CategoricalCrossEntropy()"),
    "SparseCategoricalCrossentropy": (KERAS, "Take SparseCategoricalCrossEntropy()"),
    "BinaryCrossentropy": (KERAS, "Take BinaryCrossEntropy()"),
    "KLDivergence": (KERAS, "Take KullbackLeiblerDivergence()"),
    "CosineSimilarity": (KERAS, "Take CosineProximity()"),
    "to_categorical": (KERAS, "Give labels as they are, or numpy.eye(classes)[labels]"),
    "load_data": (KERAS, "Take load_mnist(path), load_cifar10(path) or load_digits()"),
    "Adadelta": (KERAS, "Take AdaDelta()"),
    "Adagrad": (KERAS, "Take AdaGrad()"),
    "Module": (TORCH, "Derive a layer from Layer, and give the layers to Sequential([...])"),
    "Linear": (TORCH, "Take Dense(units)"),
    "LazyLinear": (TORCH, "Take Dense(units)"),
    "ReLU": (TORCH, "Take Relu()"),
    "GELU": (TORCH, "Take Gelu()"),
    "SiLU": (TORCH, "Take Silu()"),
    "LogSoftmax": (TORCH, 'Leave it out: the loss "softmax_cross_entropy" includes it'),
    "RNN": (TORCH, "Take SimpleRNN(units)"),
    "BatchNorm1d": (TORCH, "Take BatchNormalization(eps=1e-5)"),
    "BatchNorm2d": (TORCH, "Take BatchNormalization(eps=1e-5)"),
    "LayerNorm": (TORCH, "Take BatchNormalization(), or derive a class from Layer"),
    "Conv1d": (TORCH, "Take Conv1D(filters, kernel_size)"),
    "Conv2d": (TORCH, "Take Conv2D(filters, kernel_size)"),
    "MaxPool2d": (TORCH, "Take MaxPooling2D(2)"),
    "AvgPool2d": (TORCH, "Take AveragePooling2D(2)"),
    "AdaptiveAvgPool2d": (TORCH, "Take GlobalAveragePooling2D()"),
    "CrossEntropyLoss": (TORCH, "Take SoftmaxCrossEntropy()"),
    "NLLLoss": (TORCH, "Take SoftmaxCrossEntropy(), without a softmax before it"),
    "MSELoss": (TORCH, 'Take loss="mse", which is ElementwiseMeanSquaredError()'),
    "L1Loss": (TORCH, "Take MeanAbsoluteError()"),
    "SmoothL1Loss": (TORCH, "Take Huber()"),
    "HuberLoss": (TORCH, "Take Huber()"),
    "BCELoss": (TORCH, "Take BinaryCrossEntropy()"),
    "BCEWithLogitsLoss": (TORCH, "Take SigmoidCrossEntropy()"),
    "KLDivLoss": (TORCH, "Take KullbackLeiblerDivergence()"),
    "DataLoader": (TORCH, "Give the arrays to model.fit(x, t, batch_size=32)"),
    "Tensor": (TORCH, "Give NumPy arrays"),
    "no_grad": (TORCH, "Take model.predict(x), which computes no gradients"),
    "manual_seed": (TORCH, "Give the model a seed: Sequential(layers, seed=0)"),
    "set_random_seed": (KERAS, "Give the model a seed: Sequential(layers, seed=0)"),
    "save": (TORCH, "Take model.save(path)"),
    "load": (TORCH, "Take Sequential.load(path)"),
    "MLPClassifier": (SKLEARN, "Take fastnet.sklearn.MLPClassifier"),
    "MLPRegressor": (SKLEARN, "Take fastnet.sklearn.MLPRegressor"),
}
FIT = "Sequential(layers, loss=...) and model.fit(x, t, optimizer=Adam(), metrics=[...])"
# Of a model -> the same.
MODEL = {
    "compile": (KERAS, f"Give the loss to the constructor, the others to fit: {FIT}"),
    "weights": (KERAS, "Take model.params, or model.parameter_vector"),
    "trainable_weights": (KERAS, "Take model.params"),
    "trainable_variables": (KERAS, "Take model.params"),
    "get_layer": (KERAS, "Take model.layers[i]"),
    "pop": (KERAS, "Take model.layers.pop()"),
    "input_shape": (KERAS, "Take model.layers[0].input_shape, or look at model.summary()"),
    "output_shape": (KERAS, "Look at model.summary(), or take model.predict(x).shape"),
    "count_params": (KERAS, "Take model.parameter_count"),
    "predict_classes": (KERAS, "Take model.predict(x).argmax(axis=1)"),
    "predict_on_batch": (KERAS, "Take model.predict(x)"),
    "fit_generator": (KERAS, "Take model.fit"),
    "history": (KERAS, "Take what fit returns: history = model.fit(x, t)"),
    "save_weights": (KERAS, "Take model.save(path), which writes the layers, too"),
    "load_weights": (KERAS, "Take Sequential.load(path)"),
    "to_json": (KERAS, "Take model.save(path)"),
    "get_config": (KERAS, "Take model.save(path)"),
    "from_config": (KERAS, "Take Sequential.load(path)"),
    "parameters": (TORCH, "Take model.params"),
    "named_parameters": (TORCH, "Take model.params, or model.layers[i].W"),
    "children": (TORCH, "Take model.layers"),
    "modules": (TORCH, "Take model.layers"),
    "state_dict": (TORCH, "Take model.save(path), or model.params"),
    "load_state_dict": (TORCH, "Take Sequential.load(path)"),
    "train": (TORCH, "Leave it out: fit and forward train, predict and evaluate do not"),
    "eval": (TORCH, "Leave it out: fit and forward train, predict and evaluate do not"),
    "to": (TORCH, "Leave it out: all is computed on the CPU, in Sequential(layers, dtype=...)"),
    "cpu": (TORCH, "Leave it out: all is computed on the CPU"),
    "cuda": (TORCH, "Leave it out: all is computed on the CPU"),
    "float": (TORCH, 'Give the dtype to the constructor: Sequential(layers, dtype="float32")'),
    "double": (TORCH, 'Give the dtype to the constructor: Sequential(layers, dtype="float64")'),
    "half": (TORCH, 'Give the dtype to the constructor: Sequential(layers, dtype="float32")'),
    "zero_grad": (TORCH, "Leave it out: backward overwrites the gradients"),
    "requires_grad_": (TORCH, "Take model.layers[i].trainable = False"),
    "append": (TORCH, "Take model.add(layer)"),
    "score": (SKLEARN, 'Take model.evaluate(x, t)["accuracy"]'),
    "partial_fit": (SKLEARN, "Take model.fit, which goes on from where it was"),
    "coefs_": (SKLEARN, "Take model.layers[i].W"),
    "intercepts_": (SKLEARN, "Take model.layers[i].b"),
}
# Of a layer, of an optimizer, of a loss -> the same.
LAYER = {
    "weights": (KERAS, "Take layer.params"),
    "kernel": (KERAS, "Take layer.W"),
    "get_weights": (KERAS, "Take layer.params"),
    "set_weights": (KERAS, "Assign to layer.W and layer.b, or to entries of layer.params"),
    "weight": (TORCH, "Take layer.W, which is (inputs, outputs) where PyTorch's is transposed"),
    "bias": (TORCH, "Take layer.b"),
    "parameters": (TORCH, "Take layer.params"),
    "in_features": (TORCH, "Take len(layer.W)"),
    "out_features": (TORCH, "Take layer.units"),
    "call": (KERAS, "Take layer.forward(x)"),
}
OPTIMIZER = {
    "step": (TORCH, "Take optimizer.update(model.params, model.grads)"),
    "zero_grad": (TORCH, "Leave it out: backward overwrites the gradients"),
    "apply_gradients": (KERAS, "Take optimizer.update(model.params, model.grads)"),
    "apply": (KERAS, "Take optimizer.update(model.params, model.grads)"),
    "minimize": (KERAS, "Take model.fit, or optimizer.update(model.params, model.grads)"),
    "learning_rate": (KERAS, "Take optimizer.lr"),
    "param_groups": (TORCH, "Take optimizer.lr"),
}
HISTORY = {
    "history": (KERAS, "Take history.loss, or history.to_dict() for all"),
    "epoch": (KERAS, "Take range(len(history.loss))"),
    "params": (KERAS, "Take len(history.loss) for the epochs"),
}
OF = {"Sequential": MODEL, "Layer": LAYER, "Optimizer": OPTIMIZER, "History": HISTORY}
CALLED = {
    "Sequential": "Take model.predict(x), or model.forward(x) for a step by hand",
    "Layer": "Give layers to Sequential([...]) in their order, or take layer.forward(x)",
    "Optimizer": "Take optimizer.update(params, grads)",
}


def not_at_the_top(
    name: str, names: Collection[str], kind: type[Exception] = AttributeError
) -> Exception:
    """Return the error of a kind about a name that fastnet does not have, beside those it has."""
    start = f"fastnet: name must be one of its {len(names)} or of its modules, got {name!r}"
    if name in TOP:
        whose, way = TOP[name]
        return kind(f"{start}, which is {whose}. {way}.")
    near = _near(name, [*names])
    return kind(f"{start}. Did you mean {near!r}?" if near else f"{start}. Look at dir(fastnet).")


def not_in(module: str, name: str) -> Exception:
    """Return the error, of a `__getattr__`, about a name that a module below fastnet lacks."""
    if name not in TOP:
        return AttributeError(f"module {module!r} has no attribute {name!r}")
    whose, way = TOP[name]
    asker = sys._getframe(2).f_code.co_name
    kind = ImportError if asker == "_handle_fromlist" else AttributeError  # from module import name
    return kind(f"{module}: name must be one of its own, got {name!r}, which is {whose}. {way}.")


def not_another_s(where: str, kind: str, name: str) -> None:
    """Raise AttributeError for a name that objects of a kind, one of `OF`, have elsewhere."""
    if name in OF.get(kind, {}):
        whose, way = OF[kind][name]
        raise AttributeError(
            f"{where}: name must be an attribute of {where}, got {name!r}, which is {whose}. {way}."
        )


class Elsewhere:
    """An attribute that objects of a kind, one of `OF`, have in another library: it is missing."""

    def __init__(self, kind: str, name: str) -> None:
        self.kind, self.name = kind, name
        whose, way = OF[kind][name]
        self.__doc__ = f"Not here, but {whose}. {way}."  # as help() shows it

    def __get__(self, instance: Any, owner: type) -> Any:
        not_another_s(owner.__name__, self.kind, self.name)


class Hinted:
    """Objects that say where the thing stands here that another library has by a name.

    By descriptors: with a `__getattr__` Python 3.11 reads every attribute more slowly, those that
    are there, too, and a step by hand took an eighth longer.
    """

    def __init_subclass__(cls, **options: Any) -> None:
        super().__init_subclass__(**options)
        for name in OF.get(cls.__name__, {}):
            if not hasattr(cls, name):
                setattr(cls, name, Elsewhere(cls.__name__, name))
        if len(cls.__bases__) > 1:  # what a later base has goes before what is missing
            for name in OF.get(_kind(cls), {}):
                found = [vars(base)[name] for base in cls.__mro__ if name in vars(base)]
                there = [attribute for attribute in found if not isinstance(attribute, Elsewhere)]
                if there and isinstance(found[0], Elsewhere):
                    setattr(cls, name, there[0])

    def __dir__(self) -> list[str]:
        kind = OF.get(_kind(type(self)), {})
        return [name for name in super().__dir__() if name not in kind or hasattr(self, name)]

    if not TYPE_CHECKING:

        def __call__(self, *args: Any, **named: Any) -> Any:  # noqa: D102
            where = type(self).__name__
            raise TypeError(
                f"{where}: method must be named, got a call of the object itself, as in Keras and "
                f"PyTorch. {CALLED[_kind(type(self))]}."
            )


def _kind(cls: type) -> str:
    """Return which of `OF` objects of a class are."""
    return next((kind.__name__ for kind in cls.__mro__ if kind.__name__ in OF), "")
