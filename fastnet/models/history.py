"""What `fit` returns."""


class History:
    """What `fit` saw: lists with one entry an epoch.

    Attributes
    ----------
    loss, accuracy : list of float
        Means over the training samples, each batch counted before its update; the loss with what
        `Sequential(l1=..., l2=...)` adds to it.
    val_loss, val_accuracy : list of float
        After the epoch, on the validation data; empty without it.
    seconds : list of float
        Time of the epoch's training, without compiling and validation.
    interrupted : bool
        Whether Ctrl-C ended the fit. A second Ctrl-C within a second, and any outside of a fit, is
        Python's KeyboardInterrupt.

    Examples
    --------
    >>> from fastnet.models import History
    >>> history = History()
    >>> history.loss, history.accuracy = [0.5, 0.25], [0.75, 1.0]
    >>> history
    <History: 2 epochs, at last loss 0.2500, accuracy 1.0000>
    """

    interrupted = False

    def __init__(self) -> None:
        self.loss: list[float] = []
        self.accuracy: list[float] = []
        self.val_loss: list[float] = []
        self.val_accuracy: list[float] = []
        self.seconds: list[float] = []

    def __repr__(self) -> str:
        names = ("loss", "accuracy", "val_loss", "val_accuracy")
        last = [f"{name} {getattr(self, name)[-1]:.4f}" for name in names if getattr(self, name)]
        shown = f", at last {', '.join(last)}" if last else ""
        return f"<History: {len(self.loss)} epochs{', interrupted' * self.interrupted}{shown}>"
