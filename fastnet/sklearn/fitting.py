"""What both estimators share: scikit-learn's own, trained and asked in the compiled loop."""

from __future__ import annotations

import inspect
from numbers import Real
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import issparse
from sklearn.base import is_classifier
from sklearn.exceptions import ConvergenceWarning
from sklearn.model_selection import train_test_split
from sklearn.neural_network._base import DERIVATIVES
from sklearn.utils._param_validation import Interval, StrOptions
from sklearn.utils.validation import validate_data

from fastnet import checks
from fastnet.checks import COMPUTED
from fastnet.models import progress
from fastnet.optimizer import Optimizer
from fastnet.sklearn.epochs import Epochs
from fastnet.sklearn.lbfgs import Objective
from fastnet.sklearn.network import NAMES, Weights, check_hidden_layers, check_shapes, weights_of
from fastnet.sklearn.orders import Orders
from fastnet.sklearn.outputs import activated, products_of
from fastnet.sklearn.samples import Targets, check_weights, dense_or_csr, is_plain, targets_of
from fastnet.sklearn.stepping import OPTIMIZERS, Steps, optimizer_of

POSITIVE = Interval(Real, 0, None, closed="neither")
# Rows up to which "lbfgs" takes scikit-learn's own loss and gradient, for its bits: where a line
# search ends may turn on the last one, and its weights were 2e-3 apart after 50 iterations on iris.
# Compiled ones take a half to seven tenths of the time there, a fifth at 20,000 rows, which agreed
# to 3e-10: `python -m asv_benchmarks.estimators --agreement`.
SAME_BITS = 1000
# Parameters of ours that only the solvers in mini-batches have a use for.
OF_STEPS = "optimizer", "schedule", "dropout", "clip_value", "clip_norm"


class Compiled:
    """Training and outputs in the compiled loop, for a class that derives from scikit-learn's.

    All that scikit-learn's class does around them stays: how arguments are checked, labels are
    encoded, weights are drawn, and when training stops.
    """

    constraints: ClassVar[dict[str, list[Any]]] = {
        "activation": [StrOptions(set(NAMES))],
        "optimizer": [StrOptions(set(OPTIMIZERS)), Optimizer, None],
        "schedule": [callable, None],
        "dropout": [Interval(Real, 0, 1, closed="left")],
        "clip_value": [POSITIVE, None],
        "clip_norm": [POSITIVE, None],
    }

    _loop: Weights | None = None  # views of whose vector coefs_ and intercepts_ are
    _objective: Objective | None = None

    def __init_subclass__(cls, **named: Any) -> None:
        super().__init_subclass__(**named)
        own: Any = vars(cls).get("__init__")
        if inspect.isfunction(own):  # get_params asks for its signature, 40 us in a fit or clone
            own.__signature__ = inspect.signature(own)  # type: ignore[attr-defined]

    # What scikit-learn's class has.
    coefs_: list[NDArray[Any]]
    intercepts_: list[NDArray[Any]]

    def __getstate__(self) -> dict[str, Any]:
        # Addresses are those of one process.
        state: dict[str, Any] = super().__getstate__()  # type: ignore[assignment]
        return {name: value for name, value in state.items() if name not in ("_loop", "_objective")}

    def _weights(self: Any, dtype: np.dtype[Any], X: Any = None) -> Weights:
        """Return the network of the arrays that the estimator has by now.

        For training on X, a CSR matrix or dense, the estimator's arrays become its views.
        """
        known, for_training = self._loop, X is not None
        sparse = X if issparse(X) else None
        if known is not None and known.network.params.dtype == dtype:
            same = known.are(self.coefs_, self.intercepts_, self.activation)
            if same and sparse is None and not (for_training and self.dropout):
                return known
        check_shapes(type(self).__name__, self.coefs_, self.n_features_in_)
        found = weights_of(
            self.coefs_, self.intercepts_, self.activation, self.out_activation_, dtype,
            float(self.dropout) if for_training else 0.0, sparse,
        )  # fmt: skip
        if for_training:
            self.coefs_, self.intercepts_ = [*found.coefs], [*found.intercepts]
        return found

    def _keep(self: Any, dtype: np.dtype[Any]) -> None:
        """Keep the network that gives outputs: coefs_ and intercepts_ become its views."""
        self._loop = weights_of(
            self.coefs_, self.intercepts_, self.activation, self.out_activation_, dtype
        )
        self.coefs_, self.intercepts_ = [*self._loop.coefs], [*self._loop.intercepts]

    # ------------------------------------------------------------------ outputs

    def _forward_pass_fast(self: Any, X: Any, check_input: bool = True) -> NDArray[Any]:
        """Return the outputs (N, C), as scikit-learn's method of that name."""
        return activated(self.out_activation_, self._products(X, check_input))

    def _products(self: Any, X: Any, check_input: bool) -> NDArray[Any]:
        """Return the last products (N, C), of which the outputs are made."""
        if check_input and not self._are_plain(X):
            X = validate_data(self, X, accept_sparse=["csr", "csc"], reset=False)
        dtype = np.result_type(X.dtype, self.coefs_[0].dtype)
        if dtype not in COMPUTED:  # longdouble
            dtype = np.dtype(np.float64)
        return products_of(self._weights(dtype), X)

    def _are_plain(self: Any, X: Any) -> bool:
        """Tell whether scikit-learn would take samples as they are: 3 us, where it takes 70."""
        named = hasattr(self, "feature_names_in_")
        return is_plain(X) and X.shape[1] == self.n_features_in_ and not named

    # ------------------------------------------------------------------ fitting

    def _fit(
        self: Any, X: Any, y: Any, sample_weight: Any = None, incremental: bool = False
    ) -> Any:
        """Train, as scikit-learn's method of that name; "lbfgs" has no use for what is ours."""
        if self.solver == "lbfgs":
            for name in OF_STEPS:
                value = getattr(self, name)
                if value:
                    raise ValueError(
                        f"{type(self).__name__}.fit: {name} must be left out with solver='lbfgs', "
                        f"got {value!r}. Leave it out, or choose solver 'sgd' or 'adam'."
                    )
        if hasattr(self, "coefs_") and (self.warm_start or incremental):
            where = f"{type(self).__name__}.{'partial_fit' if incremental else 'fit'}"
            check_hidden_layers(where, self.hidden_layer_sizes, self.coefs_, self.solver)
        return super()._fit(X, y, sample_weight, incremental)  # type: ignore[misc]

    def _targets(self: Any, weights: Weights, y: Any, dtype: np.dtype[Any]) -> Targets:
        """Return the targets of y (N, C), which the loop reads as wide as the outputs are."""
        outputs = weights.network.outputs
        if y.shape[1] != outputs:
            self.n_outputs_ = outputs
            raise ValueError(
                f"{type(self).__name__}.fit: y must have {outputs} outputs, as the weights by now "
                f"have, got {y.shape[1]}. Give so many, or fit anew with warm_start=False."
            )
        return targets_of(y, self.out_activation_, dtype)

    # ------------------------------------------------------------------ sgd and adam

    def _fit_stochastic(
        self: Any, X: Any, y: Any, sample_weight: Any, *others: Any, **named: Any
    ) -> None:
        """Train epoch by epoch, as scikit-learn's method of that name: the same orders and stops.

        Epochs at whose end the training cannot stop are done in one call.
        """
        incremental = named.get("incremental", others[-1] if others else False)
        if self.early_stopping and incremental:
            raise ValueError("partial_fit does not support early_stopping=True")
        check_weights(
            f"{type(self).__name__}.{'partial_fit' if incremental else 'fit'}", sample_weight
        )
        dtype, held_out = self._dtype(X), (None, None, None)
        if not incremental or not hasattr(self, "_optimizer"):
            self._optimizer = optimizer_of(self)
        if self.early_stopping:
            X, y, sample_weight, *held_out = self._split(X, y, sample_weight)
        n = X.shape[0]
        batch_size = self._batch_size(n)
        X = dense_or_csr(type(self).__name__, X, dtype)
        seed = self._random_state.randint(2**31 - 1) if self.dropout else 0
        with progress.interrupts_later():
            weights = self._weights(dtype, X)
            of_training = bool(self.dropout) or issparse(X)  # not for outputs
            if not of_training:
                self._loop = weights
            steps = Steps(self, weights, self._optimizer, seed)
            targets = self._targets(weights, y, dtype)
            epochs = Epochs(steps, X, targets, batch_size, sample_weight)
            orders = Orders(self, epochs, 1 if incremental else self.max_iter)
        try:
            with orders:
                self._train(epochs, orders.draw, incremental, held_out)
        except KeyboardInterrupt:
            checks.warn("Training interrupted by user.")
        steps.follow()
        if self.early_stopping:
            self.coefs_, self.intercepts_ = self._best_coefs, self._best_intercepts
        if self.early_stopping or of_training:
            self._keep(dtype)

    def _train(self: Any, epochs: Epochs, draw: Any, incremental: bool, held_out: Any) -> None:
        optimizer, n = self._optimizer, epochs.n
        one_by_one = incremental or self.early_stopping or self.verbose
        # The count of epochs without an improvement grows by at most one an epoch.
        patience = float(self.n_iter_no_change) + 1  # one of NumPy's int8 would overflow
        most = int(min(patience, epochs.a_call, self.max_iter))
        rows = np.empty((1 if one_by_one else most, n), np.int64)
        self.n_iter_ = done = 0
        while done < self.max_iter:
            count = min(patience - self._no_improvement_count, self.max_iter - done, len(rows))
            count = max(1, int(count))
            draw(rows[:count])
            lrs = []
            for k in range(count):
                lrs.append(epochs.steps.rate())
                if count > 1:
                    optimizer.iteration_ends(self.t_ + (k + 1) * n)
            for loss in epochs.run(rows[:count], lrs):
                done += 1
                self.n_iter_ += 1
                self.loss_ = loss
                self.t_ += n
                self.loss_curve_.append(loss)
                if self.verbose:
                    print(f"Iteration {self.n_iter_}, loss = {loss:.8f}")
                self._update_no_improvement_count(self.early_stopping, *held_out)
            optimizer.iteration_ends(self.t_)
            if self._no_improvement_count > self.n_iter_no_change:
                what = "Validation score" if self.early_stopping else "Training loss"
                message = (
                    f"{what} did not improve more than tol={self.tol:f} for "
                    f"{self.n_iter_no_change:d} consecutive epochs."
                )
                if optimizer.trigger_stopping(message, self.verbose):
                    break
                self._no_improvement_count = 0
            if incremental:
                break
            if self.n_iter_ == self.max_iter:
                checks.warn(
                    f"Stochastic Optimizer: Maximum iterations ({self.max_iter:d}) "
                    "reached and the optimization hasn't converged yet.",
                    ConvergenceWarning,
                )

    def _dtype(self: Any, X: Any) -> np.dtype[Any]:
        """Return the dtype of the weights: that of the samples which they were drawn for."""
        known = np.asarray(self.coefs_[0]).dtype
        return known if known in COMPUTED else X.dtype

    def _batch_size(self: Any, n: int) -> int:
        if self.batch_size == "auto":
            return min(200, n)
        if self.batch_size > n:
            checks.warn(
                "Got `batch_size` less than 1 or larger than sample size. It is going to be clipped"
            )
        return int(np.clip(self.batch_size, 1, n))

    def _split(self: Any, X: Any, y: Any, sample_weight: Any) -> list[Any]:
        """Return X, y and weights to train on, then those that are held out."""
        # Not stratified in multilabel classification.
        stratify = y if is_classifier(self) and self.n_outputs_ == 1 else None
        arrays = [X, y] if sample_weight is None else [X, y, sample_weight]
        parts = train_test_split(
            *arrays,
            random_state=self._random_state,
            test_size=self.validation_fraction,
            stratify=stratify,
        )
        if sample_weight is None:
            parts += [None, None]
        X_train, X_val, y_train, y_val, weight, weight_val = parts
        if X_val.shape[0] < 2:
            raise ValueError(
                "The validation set is too small. Increase 'validation_fraction' "
                "or the size of your dataset."
            )
        if is_classifier(self):
            y_val = self._label_binarizer.inverse_transform(y_val)
        return [X_train, y_train, weight, X_val, y_val, weight_val]

    # ------------------------------------------------------------------ lbfgs

    def _fit_lbfgs(self: Any, X: Any, y: Any, sample_weight: Any, *others: Any) -> None:
        dtype, float64 = X.dtype, np.dtype(np.float64)
        rows = dense_or_csr(type(self).__name__, X, float64)
        weights = self._weights(float64, rows)
        targets = self._targets(weights, y, float64)
        check_weights(f"{type(self).__name__}.fit", sample_weight)
        if X.shape[0] > SAME_BITS or dtype != float64 or self.activation not in DERIVATIVES:
            self._objective = Objective(weights, rows, targets, sample_weight, float(self.alpha))
        try:
            super()._fit_lbfgs(X, y, sample_weight, *others)  # type: ignore[misc]
        finally:
            self._objective = None
        self._keep(dtype)

    def _loss_grad_lbfgs(self: Any, packed: Any, *others: Any) -> tuple[float, NDArray[np.float64]]:
        """Return the loss at a vector of parameters, and its gradient."""
        if self._objective is None:
            return super()._loss_grad_lbfgs(packed, *others)  # type: ignore[misc]
        found: tuple[float, NDArray[np.float64]] = self._objective(packed)
        return found
