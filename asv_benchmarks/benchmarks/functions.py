from . import API_SHAPES, IMPLEMENTATIONS, SHAPES, assert_close, labels, numbers, part, ratios

# Function -> what it takes beside an array.
FUNCTIONS = {
    "identity_function": None,
    "step_function": None,
    "sigmoid": None,
    "sigmoid_grad": None,
    "relu": None,
    "relu_grad": None,
    "softmax": None,
    "softmax_loss": "labels",
    "cross_entropy_error": "labels",
    "sum_squared_error": "numbers",
}


class Functions:
    param_names = ["implementation", "dtype", "shape", "function"]
    params = [IMPLEMENTATIONS, ["float32"], API_SHAPES, [*FUNCTIONS]]

    def setup(self, implementation, dtype, shape, function):
        n, _, m = SHAPES[shape]
        x = numbers(dtype, n, m)
        if function == "cross_entropy_error":
            x = 1 / (1 + abs(x))
        others = {None: [], "labels": [labels(n, m)], "numbers": [x[::-1].copy()]}
        self.arguments = [x, *others[FUNCTIONS[function]]]
        ours, theirs = (
            getattr(part(name, "functions"), function) for name in IMPLEMENTATIONS[::-1]
        )
        assert_close(ours(*self.arguments), theirs(*self.arguments))
        self.function = getattr(part(implementation, "functions"), function)

    def time_function(self, *_):
        self.function(*self.arguments)


FunctionsRatio = ratios(Functions)
