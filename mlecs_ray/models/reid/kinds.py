"""The modalities by which people are seen; no more, so that whoever asks for their names waits for no reader."""

from collections.abc import Mapping

PICTURES: Mapping[str, int] = {"ir": 1, "rgb": 3, "sketch": 1}
"""Modalities that are pictures, with their channels."""
TEXT = "text"
MODALITIES = (*PICTURES, TEXT)
"""All that there are, in the order in which samples have them."""
