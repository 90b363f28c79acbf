"""The regressor."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, ClassVar

import sklearn.neural_network._multilayer_perceptron as original

from fastnet.optimizer import Optimizer
from fastnet.sklearn.fitting import Compiled

__all__ = ["MLPRegressor"]


class MLPRegressor(Compiled, original.MLPRegressor):
    """scikit-learn's multilayer perceptron regressor, trained in the compiled loop.

    Half the squared error, or with loss="poisson" half the Poisson deviance of counts, whose
    outputs are exponentials.

    Parameters
    ----------
    loss, hidden_layer_sizes, activation, solver, alpha, batch_size, learning_rate, \
learning_rate_init, power_t, max_iter, shuffle, random_state, tol, verbose, warm_start, momentum, \
nesterovs_momentum, early_stopping, validation_fraction, beta_1, beta_2, epsilon, \
n_iter_no_change, max_fun
        As `sklearn.neural_network.MLPRegressor` describes them, with the same defaults.
        `activation` may be any that `fastnet.layers.Dense` takes, too, such as "gelu" or "silu".
    optimizer, schedule, dropout, clip_value, clip_norm
        As for `MLPClassifier`.

    Attributes
    ----------
    coefs_, intercepts_, loss_, loss_curve_, best_loss_, validation_scores_, \
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
    A loss that is not finite, such as that of counts below 0, ends a fit by "sgd" or "adam" in the
    error that scikit-learn has for weights that are not finite.

    Examples
    --------
    >>> import numpy as np
    >>> from fastnet.sklearn import MLPRegressor
    >>> X = np.linspace(-1, 1, 200).reshape(-1, 1)
    >>> model = MLPRegressor(solver="lbfgs", random_state=0).fit(X, np.abs(X[:, 0]))
    >>> bool(model.score(X, np.abs(X[:, 0])) > 0.99)
    True
    """

    _parameter_constraints: ClassVar[dict[str, Any]] = {
        **original.MLPRegressor._parameter_constraints,
        **Compiled.constraints,
    }

    def __init__(
        self,
        loss: str = "squared_error",
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
        optimizer: str | Optimizer | None = None,
        schedule: Callable[[int], float] | None = None,
        dropout: float = 0.0,
        clip_value: float | None = None,
        clip_norm: float | None = None,
    ) -> None:
        super().__init__(
            loss=loss,
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
        self.optimizer = optimizer
        self.schedule = schedule
        self.dropout = dropout
        self.clip_value = clip_value
        self.clip_norm = clip_norm
