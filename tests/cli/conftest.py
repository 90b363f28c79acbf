"""What the tests of the command line share."""

import pytest

from fastnet.models import Sequential


@pytest.fixture
def asked(monkeypatch, tmp_path_factory):
    """What `fit` was called with; it trains for one epoch of one batch, as if interrupted then."""
    calls = {}

    def fit(self, x, t, epochs, **options):
        calls.update(model=self, x=x, t=t, epochs=epochs, **options)
        history = real(self, x, t, epochs=1, batch_size=len(x), verbose=0, validation_data=(x, t))
        history.interrupted = epochs > 1
        return history

    real = Sequential.fit
    monkeypatch.setattr(Sequential, "fit", fit)
    monkeypatch.chdir(tmp_path_factory.mktemp("work"))  # where interrupted ones are saved
    return calls
