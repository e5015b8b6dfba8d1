"""What a multimodal language model is told before it embeds somebody (arXiv 2602.12936)."""

from collections.abc import Mapping

SIGHTS: Mapping[str, str] = {
    "rgb": "color image",
    "ir": "infrared image",
    "sketch": "sketch image",
    "text": "text description",
}
"""Each modality in words, which are its tag too."""
LOOK = "Describe the person for matching. Attend to age, gender, clothing and other biometric cues."
"""What the user asks for, whatever the modality."""


def system(modality: str) -> str:
    """The system turn."""
    return f"You embed the {SIGHTS[modality]} of a person for cross-modal matching."


def request(modality: str) -> str:
    """What the user turn says beside the picture or the sentence."""
    return f"<{SIGHTS[modality]}> {LOOK}"
