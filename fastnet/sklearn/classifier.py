"""The classifier."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, ClassVar

import numpy as np
import sklearn.neural_network._multilayer_perceptron as original
from numpy.typing import NDArray
from sklearn.preprocessing import LabelBinarizer
from sklearn.utils._param_validation import StrOptions
from sklearn.utils.class_weight import compute_class_weight, compute_sample_weight
from sklearn.utils.validation import _check_sample_weight, validate_data

from fastnet.optimizer import Optimizer
from fastnet.sklearn.fitting import Compiled
from fastnet.sklearn.outputs import activated
from fastnet.sklearn.samples import is_plain

__all__ = ["MLPClassifier"]


class MLPClassifier(Compiled, original.MLPClassifier):
    """scikit-learn's multilayer perceptron classifier, trained in the compiled loop.

    Softmax over the classes, or a logistic output for two classes and for each label of several,
    with the log loss.

    Parameters
    ----------
    hidden_layer_sizes, activation, solver, alpha, batch_size, learning_rate, learning_rate_init, \
power_t, max_iter, shuffle, random_state, tol, verbose, warm_start, momentum, nesterovs_momentum, \
early_stopping, validation_fraction, beta_1, beta_2, epsilon, n_iter_no_change, max_fun
        As `sklearn.neural_network.MLPClassifier` describes them, with the same defaults.
        `activation` may be any that `fastnet.layers.Dense` takes, too, such as "gelu" or "silu".
    class_weight : dict of class -> weight, or "balanced", optional
        Multiplies the sample weights; "balanced" are n_samples / (n_classes * count of the class).
    optimizer : str or Optimizer, optional
        A rule of fastnet in the place of the solver's, which must be "sgd" or "adam": "adamw",
        "nadam", "rmsprop" ... with learning_rate_init, or an object of
        `fastnet.optimizer`, whose own learning rate is taken. Each fit begins with a copy.
    schedule : callable, optional
        The learning rate of the update number step, from 0: one of `fastnet.schedules`, or any
        function of one number.
    dropout : float
        Share of each hidden layer's outputs that is dropped in training; those kept are scaled up.
    clip_value, clip_norm : float, optional
        The largest size of an entry of the gradients, and of their norm over all arrays.

    Attributes
    ----------
    coefs_, intercepts_, classes_, loss_, loss_curve_, best_loss_, validation_scores_, \
best_validation_score_, n_iter_, t_, n_layers_, n_outputs_, out_activation_, n_features_in_, \
feature_names_in_
        As scikit-learn's. Weights are float32 where X was that at the first fit, else float64.

    Raises
    ------
    ValueError, TypeError
        As scikit-learn's; where a sample weight is below 0; and where optimizer, schedule,
        dropout or a limit of gradients is given with solver "lbfgs", which has no use for it.

    Notes
    -----
    In float64 weights agree with scikit-learn's to about 1e-8 after 50 iterations; the sums are the
    same but for their order. With "lbfgs" and up to 1,000 rows they are its own to the bit: the
    loss and its gradient are scikit-learn's there, and compiled beyond.

    A sparse X is read as it is, or made dense where it is small and a tenth of it is not zero.
    A loss that overflows ends in the error that scikit-learn has for weights that are not finite.

    Examples
    --------
    >>> from fastnet.datasets import load_digits
    >>> from fastnet.sklearn import MLPClassifier
    >>> (x, t), (x_test, t_test) = load_digits()
    >>> model = MLPClassifier((32,), random_state=0, learning_rate_init=0.01, max_iter=30, tol=0.1)
    >>> bool(model.fit(x, t).score(x_test, t_test) > 0.9)
    True
    """

    _parameter_constraints: ClassVar[dict[str, Any]] = {
        **original.MLPClassifier._parameter_constraints,
        **Compiled.constraints,
        "class_weight": [dict, StrOptions({"balanced"}), None],
    }

    def __init__(
        self,
        hidden_layer_sizes: int | Sequence[int] = (100,),
        activation: str = "relu",
        *,
        solver: str = "adam",
        alpha: float = 0.0001,
        batch_size: int | str = "auto",
        learning_rate: str = "constant",
        learning_rate_init: float = 0.001,
        power_t: float = 0.5,
        max_iter: int = 200,
        shuffle: bool = True,
        random_state: Any = None,
        tol: float = 1e-4,
        verbose: bool = False,
        warm_start: bool = False,
        momentum: float = 0.9,
        nesterovs_momentum: bool = True,
        early_stopping: bool = False,
        validation_fraction: float = 0.1,
        beta_1: float = 0.9,
        beta_2: float = 0.999,
        epsilon: float = 1e-8,
        n_iter_no_change: float = 10,
        max_fun: int = 15000,
        class_weight: dict[Any, float] | str | None = None,
        optimizer: str | Optimizer | None = None,
        schedule: Callable[[int], float] | None = None,
        dropout: float = 0.0,
        clip_value: float | None = None,
        clip_norm: float | None = None,
    ) -> None:
        super().__init__(
            hidden_layer_sizes=hidden_layer_sizes,
            activation=activation,
            solver=solver,
            alpha=alpha,
            batch_size=batch_size,
            learning_rate=learning_rate,
            learning_rate_init=learning_rate_init,
            power_t=power_t,
            max_iter=max_iter,
            shuffle=shuffle,
            random_state=random_state,
            tol=tol,
            verbose=verbose,
            warm_start=warm_start,
            momentum=momentum,
            nesterovs_momentum=nesterovs_momentum,
            early_stopping=early_stopping,
            validation_fraction=validation_fraction,
            beta_1=beta_1,
            beta_2=beta_2,
            epsilon=epsilon,
            n_iter_no_change=n_iter_no_change,
            max_fun=max_fun,
        )
        self.class_weight = class_weight
        self.optimizer = optimizer
        self.schedule = schedule
        self.dropout = dropout
        self.clip_value = clip_value
        self.clip_norm = clip_norm

    def _predict(self, X: Any, check_input: bool = True) -> NDArray[Any]:
        """Return the classes, by the products alone where one of them is the answer."""
        z, kind = self._products(X, check_input), self._label_binarizer.y_type_
        classes: NDArray[Any] = self.classes_
        if kind == "multiclass":
            return classes.take(z.argmax(axis=1))
        if kind == "binary":
            return classes.take(z[:, 0] > 0 if len(classes) > 1 else np.zeros(len(z), int))
        found = self._label_binarizer.inverse_transform(activated(self.out_activation_, z))
        return np.asarray(found)

    def _validate_input(self, X: Any, y: Any, incremental: bool, reset: bool) -> tuple[Any, Any]:
        """Return X and one-hot rows or yes and no, as scikit-learn's method of that name.

        Plain labels are encoded here, in 20 us; scikit-learn's encoder takes a millisecond. And
        plain samples are looked through in 40 us, where it takes 170, of a fit on digits 0.7 %.
        """
        first = not incremental and not self.warm_start
        classes = _plain_classes(y) if first else self._known_classes(y)
        if classes is None:
            found: tuple[Any, Any] = super()._validate_input(X, y, incremental, reset)
            return found
        if (is_plain(X) if reset else self._are_plain(X)) and len(X) == len(y):
            if reset:
                self.n_features_in_ = X.shape[1]
                self.__dict__.pop("feature_names_in_", None)
        else:
            X, y = validate_data(
                self, X, y, accept_sparse=["csr", "csc"], multi_output=True,
                dtype=(np.float64, np.float32), reset=reset,
            )  # fmt: skip
        if first:
            self.classes_ = classes
            encoder = self._label_binarizer = LabelBinarizer()
            encoder.classes_, encoder.sparse_input_ = self.classes_, False
            encoder.y_type_ = "multiclass" if len(self.classes_) > 2 else "binary"
        if len(self.classes_) > 2:
            return X, y.reshape(-1, 1) == self.classes_
        return X, (y == self.classes_[-1] if len(self.classes_) > 1 else y != y).reshape(-1, 1)

    def _known_classes(self, y: Any) -> Any:
        """Return the classes so far if all labels of a later call are plain ones of them."""
        known = getattr(self, "classes_", None)
        kind = getattr(getattr(self, "_label_binarizer", None), "y_type_", "")
        plain = (
            not self.warm_start
            and _are_plain_labels(y)
            and type(known) is np.ndarray
            and known.dtype.kind == y.dtype.kind
            and kind in ("binary", "multiclass")
            and bool(np.isin(y, known).all())
        )
        return known if plain else None

    def _fit(
        self, X: Any, y: Any, sample_weight: Any = None, incremental: bool = False
    ) -> MLPClassifier:
        if self.class_weight is not None and y is not None:
            if incremental and self.class_weight == "balanced":
                raise ValueError(
                    "MLPClassifier.partial_fit: class_weight must be a dict, got 'balanced', which "
                    "goes by all samples. Give the weights, or call fit."
                )
            of_class = self._weights_by_class(y, incremental)
            if sample_weight is not None:
                of_class = of_class * _check_sample_weight(sample_weight, y)
            sample_weight = of_class
        super()._fit(X, y, sample_weight=sample_weight, incremental=incremental)
        return self

    def _weights_by_class(self, y: Any, incremental: bool) -> NDArray[Any]:
        """Return what class_weight gives each sample; a part of them need not have all classes."""
        if not incremental or np.ndim(y) != 1:
            found: NDArray[Any] = compute_sample_weight(self.class_weight, y)
            return found
        classes: NDArray[Any] = self.classes_
        of_class = compute_class_weight(self.class_weight, classes=classes, y=classes)
        known = dict(zip(classes.tolist(), of_class.tolist(), strict=True))
        # What is none of the classes is refused where labels are encoded.
        return np.array([known.get(label, 1.0) for label in np.asarray(y).tolist()])


def _are_plain_labels(y: Any) -> bool:
    """Tell whether labels are an array of whole numbers or strings in the machine's byte order."""
    known = type(y) is np.ndarray and y.ndim == 1
    return known and y.dtype.kind in "biuU" and y.dtype.isnative


def _plain_classes(y: Any) -> Any:
    """Return the classes of plain labels, if they are few.

    scikit-learn warns where there are more than half as many classes as samples.
    """
    if not _are_plain_labels(y):
        return None
    classes = np.unique(y)
    return classes if 2 * len(classes) <= len(y) else None
