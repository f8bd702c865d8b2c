"""What bytes show at a first look agrees with what Python makes of them."""

import numpy as np
from hypothesis import example, given
from hypothesis import strategies as st

from tasks.kernels.utf8 import characters, has_controls
from tasks.sources.input.binary import CONTROLS


@given(st.text(st.characters(codec="utf-8"), max_size=400))
@example("é" * 64 + "a" * 127)
@example("𐍈€é" * 100)
def test_characters_are_code_points(text):
    assert characters(np.frombuffer(text.encode(), np.uint8)) == len(text)


@given(st.binary(max_size=100))
def test_controls_are_those_that_no_text_has(data):
    assert has_controls(np.frombuffer(data, np.uint8)) == any(byte in CONTROLS for byte in data)


def test_each_byte():
    for byte in range(256):
        data = b"a" * 40 + bytes([byte])
        assert has_controls(np.frombuffer(data, np.uint8)) == (byte in CONTROLS)
