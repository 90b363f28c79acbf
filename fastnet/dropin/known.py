"""The names that fastnet has: the arguments that they take in the books, and what a call asks for.

Nothing here needs NumPy: the script may not have loaded it.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

__all__ = ["CALL", "ELEMENT", "ENOUGH", "KNOWN", "LIGHT", "LOOP", "Known", "known_name"]

# Work is counted in what kernels save: one operation is one multiply-add of x @ W. Measured in
# float64 on Zen 4 with AVX2; there an operation saves 10 to 30 ps.
CALL = 60_000  # of the smallest arrays: 1 us
ELEMENT = 100  # of what makes several passes in NumPy: 1.4 ns in Relu, 4 in Sigmoid, 2.6 in Adam
LIGHT = 5  # of what NumPy is nearly as fast at, as SGD: 0.1 ns
LOOP = 50_000  # of what Python loops over: 1 us and more
# What a script has asked for when the kernels take over: NumPy has worked for 0.4 to 1.1 s.
ENOUGH = 8_000_000_000


class Known(NamedTuple):
    """What the books' class or function takes, and what a call of it asks for.

    Attributes
    ----------
    arguments : str
        The constructor's, or the function's; in brackets what the book's takes besides.
    methods : dict
        Of a class: method -> its arguments. Empty for a function.
    elements : callable
        Takes the name of a method ("now" of a function) and the arguments of a call, and returns
        how many elements or products it works on.
    weight : int
        Operations for each of them.
    """

    arguments: str
    methods: dict[str, str]
    elements: Callable[[str, tuple[Any, ...]], int]
    weight: int = ELEMENT

    def operations(self, method: str, args: tuple[Any, ...]) -> int:
        """Return what a call asks for; of things that are no arrays, what any call does.

        Another thing of that name may raise anything, an attribute of it or a parameter by its key.
        """
        try:
            return CALL + self.weight * int(self.elements(method, args))
        except Exception:
            return CALL


def _elements(method: str, args: tuple[Any, ...]) -> Any:
    """Count the elements of the first array."""
    return args[method != "now"].size


def _products(method: str, args: tuple[Any, ...]) -> Any:
    """Count the multiplications of x @ W, or of the two products backward."""
    layer, x = args
    if hasattr(layer, "W") or hasattr(layer, "params"):
        W = layer.W if hasattr(layer, "W") else layer.params[0]
    else:  # the first matrix, of another name
        W = next(held for held in vars(layer).values() if getattr(held, "ndim", 0) == 2)
    rows, columns = W.shape
    return x.size * columns if method == "forward" else 2 * x.size * rows


def _windows(method: str, args: tuple[Any, ...]) -> Any:
    """Count the numbers in all windows of a convolution, which the book's `im2col` copies."""
    layer, x = args
    m, c, rows, columns = layer.W.shape
    if method == "backward":
        return 2 * x.size // m * c * rows * columns
    return x.size * rows * columns // layer.stride**2


def _weights(method: str, args: tuple[Any, ...]) -> Any:
    """Count the elements of all weights, whose squares a loss adds up."""
    return sum(array.size for array in args[0].params.values() if array.ndim == 2)


def _written_out(method: str, args: tuple[Any, ...]) -> Any:
    """Count the multiplications of the products that a network of two layers writes out."""
    network, x = args[:2]
    products = len(x) * sum(network.params[name].size for name in ("W1", "W2"))
    return products if method == "predict" else 2 * products


def _copied(method: str, args: tuple[Any, ...]) -> Any:
    """Count the numbers in all windows of images."""
    x, rows, columns, *rest = args
    return x.size * rows * columns // (rest[0] if rest else 1) ** 2


def _learned(method: str, args: tuple[Any, ...]) -> Any:
    """Count the elements of all parameters."""
    params = args[1]
    return sum(array.size for array in (params.values() if isinstance(params, dict) else params))


def _parameters(method: str, args: tuple[Any, ...]) -> Any:
    """Count the elements of W for every step: the books' layer makes a gradient of zeros for each.

    Of an affine map, of which there is one for all steps, as `_products` does.
    """
    layer, x = args[:2]
    return layer.params[0].size * x.shape[1] if len(layer.params) == 1 else _products(method, args)


def _recurrent(method: str, args: tuple[Any, ...]) -> Any:
    """Count the multiplications of x @ Wx and h @ Wh of every step, and of their gradients."""
    layer, xs = args[:2]
    products = xs.shape[0] * xs.shape[1] * sum(W.size for W in layer.params[:2])
    return products if method == "forward" else 2 * products


def _stepped(method: str, args: tuple[Any, ...]) -> Any:
    """Count the multiplications of a step, as `_recurrent` does of all."""
    layer, rows = args[:2]
    products = len(rows) * sum(W.size for W in layer.params[:2])
    return products if method == "forward" else 2 * products


def _attended(method: str, args: tuple[Any, ...]) -> Any:
    """Count the elements that attention goes through, each several times."""
    _, first, *second = args
    if second:
        steps = second[0].shape[1] if second[0].ndim == 3 else 1
        return first.size * steps
    return first.size * 20  # of the encoder's steps, which the gradient has one of


def _drawn(method: str, args: tuple[Any, ...]) -> Any:
    """Count the probabilities that are added up for each target."""
    return len(args[1]) * len(getattr(args[0], "sampler", args[0]).word_p)


def _sizes(method: str, args: tuple[Any, ...]) -> Any:
    """Count the elements of a list of arrays."""
    return sum(array.size for array in args[0])


def _table(method: str, args: tuple[Any, ...]) -> Any:
    """Count the elements of the fourth argument, an array."""
    return args[3].size


POOLED = 1000  # of an image: 13 ns
WINDOW = 200  # of a window of a convolution: 4 ns

LAYER = {"forward": "x", "backward": "dout"}
STEPS = {"forward": "xs", "backward": "dout"}
STEPS_LOSS = {"forward": "xs ts", "backward": "dout"}
LOSS = {"forward": "x t", "backward": "dout"}
IN_TRAINING = {"forward": "x train_flg", "backward": "dout"}
UPDATE = {"update": "params grads"}
NETWORK = "input_size hidden_size_list output_size activation weight_init_std weight_decay_lambda"
NORMALIZATION = "gamma beta momentum [running_mean running_var]"
EXTENDED = f"{NETWORK} [use_dropout dropout_ration use_batchnorm]"
KNOWN = {
    "Affine": Known("W b", LAYER, _products, 1),
    "MatMul": Known("W", LAYER, _products, 1),
    "Embedding": Known("W", {"forward": "idx", "backward": "dout"}, _elements),
    "Relu": Known("", LAYER, _elements),
    "Sigmoid": Known("", LAYER, _elements),
    "Softmax": Known("", LAYER, _elements),
    "SoftmaxWithLoss": Known("", LOSS, _elements),
    "SigmoidWithLoss": Known("", LOSS, _elements),
    "Dropout": Known("dropout_ratio", IN_TRAINING, _elements, LIGHT),
    "BatchNormalization": Known(NORMALIZATION, IN_TRAINING, _elements),
    "Convolution": Known("W b stride pad", LAYER, _windows, WINDOW),
    "Pooling": Known("pool_h pool_w stride pad", LAYER, _elements, POOLED),
    "MultiLayerNet": Known(NETWORK, {"loss": "x t"}, _weights, 4 * LIGHT),
    "MultiLayerNetExtend": Known(EXTENDED, {"loss": "x t train_flg"}, _weights, 4 * LIGHT),
    "TwoLayerNet": Known(
        "input_size hidden_size output_size weight_init_std",
        {"predict": "x", "gradient": "x t"},
        _written_out,
        1,
    ),
    "SGD": Known("lr", UPDATE, _learned, LIGHT),
    "Momentum": Known("lr momentum", UPDATE, _learned, LIGHT),
    "Nesterov": Known("lr momentum", UPDATE, _learned),
    "AdaGrad": Known("lr", UPDATE, _learned),
    "RMSprop": Known("lr decay_rate", UPDATE, _learned),
    "Adam": Known("lr beta1 beta2", UPDATE, _learned),
    "sigmoid": Known("x", {}, _elements),
    "sigmoid_grad": Known("x", {}, _elements),
    "relu": Known("x", {}, _elements),
    "softmax": Known("x", {}, _elements),
    "cross_entropy_error": Known("y t", {}, _elements),
    "sum_squared_error": Known("y t", {}, _elements),
    # Python's loops, 1 us and more for an element; and NumPy's over layers of every step.
    "TimeEmbedding": Known("W", STEPS, _parameters, LIGHT),
    "TimeAffine": Known("W b", LAYER, _parameters, 1),
    "TimeDropout": Known("dropout_ratio", STEPS, _elements, LIGHT),
    **{
        name: Known("Wx Wh b stateful", {"forward": "xs", "backward": "dhs"}, _recurrent, 2)
        for name in ("TimeGRU", "TimeLSTM", "TimeRNN")
    },
    "GRU": Known("Wx Wh b", {"forward": "x h_prev", "backward": "dh_next"}, _stepped, 2),
    "LSTM": Known(
        "Wx Wh b", {"forward": "x h_prev c_prev", "backward": "dh_next dc_next"}, _stepped, 2
    ),
    "TimeSoftmaxWithLoss": Known("", STEPS_LOSS, _elements),
    "TimeSigmoidWithLoss": Known("", STEPS_LOSS, _elements),
    "EmbeddingDot": Known("W", {"forward": "h idx", "backward": "dout"}, _elements),
    "UnigramSampler": Known(
        "corpus power sample_size", {"get_negative_sample": "target"}, _drawn, 10 * ELEMENT
    ),
    "NegativeSamplingLoss": Known(
        "W corpus power sample_size", {"forward": "h target", "backward": "dout"}, _elements
    ),
    "WeightSum": Known("", {"forward": "hs a", "backward": "dc"}, _attended),
    "AttentionWeight": Known("", {"forward": "hs h", "backward": "da"}, _attended),
    "Attention": Known("", {"forward": "hs h", "backward": "dout"}, _attended),
    "TimeAttention": Known("", {"forward": "hs_enc hs_dec", "backward": "dout"}, _attended),
    "im2col": Known("input_data filter_h filter_w stride pad", {}, _copied, ELEMENT),
    "col2im": Known("col input_shape filter_h filter_w stride pad", {}, _elements),
    "clip_grads": Known("grads max_norm", {}, _sizes, LIGHT),
    "remove_duplicate": Known("params grads", {}, _sizes, LIGHT),
    "convert_one_hot": Known("corpus vocab_size", {}, _elements, LOOP),
    "create_co_matrix": Known("corpus vocab_size window_size", {}, _elements, LOOP),
    "create_contexts_target": Known("corpus window_size", {}, _elements, LOOP),
    "most_similar": Known("query word_to_id id_to_word word_matrix top", {}, _table, 5 * ELEMENT),
    "ppmi": Known("C verbose eps", {}, _elements, LOOP),
}


def _letters(name: str) -> str:
    return name.replace("_", "").lower()


_CLASSES = {_letters(name): name for name, known in KNOWN.items() if known.methods}
_FUNCTIONS = {_letters(name): name for name, known in KNOWN.items() if not known.methods}


def known_name(name: str, is_class: bool) -> str | None:
    """Return the book's name of what a script calls ReLU, or soft_max."""
    return (_CLASSES if is_class else _FUNCTIONS).get(_letters(name))
