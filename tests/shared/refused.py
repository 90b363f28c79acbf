"""A call that is refused, by the type of its error and all of its text."""

import pytest


def refused(call, error, text):
    with pytest.raises(error) as caught:
        call()
    assert type(caught.value) is error and str(caught.value) == text
