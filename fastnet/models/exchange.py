"""A Sequential to other libraries and from them: the methods that `fastnet.interchange` answers."""

from __future__ import annotations

import os
from typing import Any, TypeVar

from fastnet.layers import Branches
from fastnet.models.layer_list import outputs_of
from fastnet.models.training import Trained

__all__ = ["Exchanged"]

Model = TypeVar("Model", bound="Exchanged")


class Exchanged(Trained):
    """The ways of a Sequential to PyTorch and ONNX, and from PyTorch, Keras and scikit-learn."""

    def to_torch(self) -> Any:
        """Return an nn.Sequential of PyTorch that computes what `predict` does.

        It is in evaluation mode, has weights of its own, and takes what PyTorch's layers take:
        images (N, channels, height, width), where the model's are (N, height, width, channels);
        sequences (N, steps, features), as here; row numbers of an Embedding. Images come out with
        channels first, too, and the outputs of heads as a list. Its modules are PyTorch's own, but
        for a few of `fastnet.interchange.torch_modules`: what takes the states from what an LSTM
        returns, and what brings axes in order around a Conv1d. A Linear behind a Flatten has its
        rows in the order of channels first.

        Returns
        -------
        torch.nn.Sequential
            Of the model's dtype, on the CPU.

        Raises
        ------
        ImportError
            PyTorch is not installed.
        TypeError, ValueError
            A layer has no counterpart.
        RuntimeError
            The number of inputs is not known yet.

        Examples
        --------
        >>> import numpy as np
        >>> from fastnet import Conv2D, Dense, Sequential
        >>> model = Sequential([Conv2D(2, 3, activation="relu"), Dense(3)], seed=0)
        >>> model.build((8, 8, 1))
        >>> module = model.to_torch()  # doctest: +SKIP
        >>> module  # doctest: +SKIP
        Sequential(
          (0): Conv2d(1, 2, kernel_size=(3, 3), stride=(1, 1))
          (1): ReLU()
          (2): Flatten(start_dim=1, end_dim=-1)
          (3): Linear(in_features=72, out_features=3, bias=True)
        )
        """
        from fastnet.interchange.to_torch import to_torch

        return to_torch("Sequential.to_torch", self)

    @classmethod
    def from_torch(
        cls: type[Model],
        module: Any,
        loss: Any = None,
        input_shape: tuple[int, ...] | None = None,
        seed: int | None = None,
    ) -> Model:
        """Return a model that predicts what a module of PyTorch computes in evaluation mode.

        Parameters
        ----------
        module : torch.nn.Sequential
            Of Linear, Conv2d, Conv1d, MaxPool2d, AvgPool2d, AdaptiveAvgPool2d(1), Flatten,
            Unflatten, BatchNorm1d, BatchNorm2d, Dropout, Embedding, RNN, LSTM and GRU with
            batch_first=True, activations, and what `to_torch` makes; also one such module. Behind
            an LSTM comes a `fastnet.interchange.torch_modules.Last` or `Sequences`, as its tuple
            is nothing to another module.
        loss : as for `Sequential`, optional
            Of the training here. Default: by the last layer "sparse_categorical_cross_entropy"
            behind a Softmax, "binary_cross_entropy" behind a Sigmoid, "mean_squared_error" for one
            output, else "softmax_cross_entropy".
        input_shape : tuple of int, optional
            Of one sample as PyTorch has it, (channels, height, width). The model is then built; and
            it must be given where images of several channels are flattened first of all.
        seed : int, optional

        Returns
        -------
        Sequential
            With weights of its own, of the module's dtype. It takes images (N, height, width,
            channels). Where no parameter of a module requires a gradient, its layer is frozen.

        Raises
        ------
        TypeError, ValueError
            A module, or a setting of one, has no counterpart: the error names it.
        """
        from fastnet.interchange.from_torch import layers_of

        layers, dtype = layers_of("Sequential.from_torch", module, input_shape)
        return cls(layers, loss or _loss_of(layers), dtype, seed)

    @classmethod
    def from_keras(
        cls: type[Model], model: Any, loss: Any = None, seed: int | None = None
    ) -> Model:
        """Return a model that predicts what a Sequential of Keras does, with its weights.

        Parameters
        ----------
        model : keras.Sequential
            Built, of layers with channels last.
        loss, seed
            As for `from_torch`.

        Returns
        -------
        Sequential
            With weights of its own, of the first one's dtype; layers that are not trainable there
            are frozen.

        Raises
        ------
        TypeError, ValueError
            A layer, or a setting of one, has no counterpart: the error names it.
        """
        from fastnet.interchange.from_keras import layers_of

        layers = layers_of("Sequential.from_keras", model)
        names = {array.dtype.name for layer in layers for array in layer.params}
        dtype = "float64" if "float64" in names else "float32"
        made = cls(layers, loss or _loss_of(layers), dtype, seed)
        return made

    @classmethod
    def from_sklearn(cls: type[Model], mlp: Any, seed: int | None = None) -> Model:
        """Return a model with the weights of a perceptron of scikit-learn.

        Parameters
        ----------
        mlp : MLPClassifier or MLPRegressor
            Fitted: scikit-learn's, or that of `fastnet.sklearn`.
        seed : int, optional

        Returns
        -------
        Sequential
            Of the dtype of its `coefs_`. Of several classes `predict_proba` gives what the
            classifier's does, and labels count 0, 1, ... in the order of its `classes_`; of two
            classes, and of many labels, `predict` gives the probability of yes; of a regressor
            what it predicts. `alpha`, which scikit-learn divides by the samples of a batch, stays
            behind: `Sequential`'s l2 is the like.

        Raises
        ------
        TypeError
            It is none, or is not fitted.
        """
        from fastnet.interchange.from_sklearn import layers_of

        return cls(*layers_of("Sequential.from_sklearn", mlp), seed)

    def to_onnx(self, path: str | bytes | os.PathLike[Any]) -> None:
        """Write the model to an ONNX file, which onnxruntime and others run.

        Its input `x` is what `predict` takes, (N, ...) with channels last, in float32, or int64 row
        numbers; its output `y` what `predict` returns, in float32, or an output of each head by
        the head's name. N may be any number. The operators are those of opset 17.

        Parameters
        ----------
        path : str, bytes or path object

        Raises
        ------
        ImportError
            onnx is not installed: it is the extra "onnx".
        TypeError, ValueError
            A layer has no counterpart.
        RuntimeError
            The number of inputs is not known yet.
        """
        from fastnet.interchange.to_onnx import to_onnx

        to_onnx("Sequential.to_onnx", self, path)


def _loss_of(layers: list[Any]) -> Any:
    """Return a loss that suits what the last layer gives; of several heads a list."""
    if isinstance(layers[-1], Branches):
        return [_loss_of(head) for head in layers[-1].heads]
    found = outputs_of(layers)
    if found is not None and found.adds_up:
        return "sparse_categorical_cross_entropy"
    if found is not None and found.low >= 0 and found.high <= 1:
        return "binary_cross_entropy"
    units = [layer.params[-1].shape[-1] for layer in layers if layer.params]
    return "mean_squared_error" if not units or units[-1] == 1 else "softmax_cross_entropy"
