import numpy as np

from . import IMPLEMENTATIONS, assert_close, labels, numbers, part, ratios

SAMPLES, OUTPUTS = 1000, 10

# Metric -> which answers it judges.
METRICS = {
    **dict.fromkeys(["accuracy", "top_k_accuracy", "precision", "recall", "f1", "auc"], "classes"),
    **dict.fromkeys(["binary_accuracy", "exact_match"], "yes or no"),
    **dict.fromkeys(["mean_squared_error", "mse", "root_mean_squared_error", "rmse"], "numbers"),
    **dict.fromkeys(["mean_absolute_error", "mae", "r2"], "numbers"),
}


class Metrics:
    param_names = ["implementation", "metric"]
    params = [IMPLEMENTATIONS, [*METRICS]]

    def setup(self, implementation, metric):
        y = numbers("float64", SAMPLES, OUTPUTS)
        targets = {
            "classes": labels(SAMPLES, OUTPUTS),
            "yes or no": (y[::-1] > 0).astype(y.dtype),
            "numbers": y[::-1].copy(),
        }
        self.arguments = targets[METRICS[metric]], y
        values = [
            getattr(part(name, "metrics"), metric)(*self.arguments) for name in IMPLEMENTATIONS
        ]
        assert_close(np.array(values[1]), np.array(values[0]))
        self.function = getattr(part(implementation, "metrics"), metric)

    def time_metric(self, *_):
        self.function(*self.arguments)


MetricsRatio = ratios(Metrics)
