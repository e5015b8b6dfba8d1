"""A multimodal language model of ``transformers`` as a teacher: any folder of one that reads pictures in a chat."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, final

import torch
from PIL import Image
from torch import Tensor, nn
from transformers import AutoConfig, AutoImageProcessor, AutoModelForImageTextToText, AutoProcessor, AutoTokenizer
from transformers.models.auto import processing_auto

from mlecs_ray.errors import InputError
from mlecs_ray.models.reid.prompts import request, system
from mlecs_ray.models.reid.sft import SFT, adapted
from mlecs_ray.models.slm import quiet


@final
class VLM(nn.Module):
    """Embeds pictures and sentences as the last hidden state at the last token of a chat (arXiv 2602.12936), where an
    answer would begin.

    The system turn says which modality is meant, the user's carries picture or sentence, the modality's tag and what
    to attend to. Adapters alone train.
    """

    def __init__(self, folder: str | Path, rules: SFT) -> None:
        super().__init__()
        quiet()
        self._processor = _processor(folder)
        # What a sentence ends with stands last in every row, so that the state there is the embedding.
        self._processor.tokenizer.padding_side = "left"
        whole = _loaded(AutoModelForImageTextToText, folder, dtype=torch.float32)
        self.lm: Any = adapted(whole.model, rules)
        self.width = int(whole.config.get_text_config().hidden_size)

    def prepared(self, modality: str, seen: Tensor | Sequence[str]) -> "Chats":
        """What ``forward`` reads, made once: of pictures (n, c, h, w) in 0..255, or of sentences."""
        pictures = [_image(one) for one in seen] if isinstance(seen, Tensor) else None
        said = list(seen) if not isinstance(seen, Tensor) else [""] * len(seen)
        template = self._processor.apply_chat_template
        texts = [
            template(_chat(modality, one, pictures is not None), tokenize=False, add_generation_prompt=True)
            for one in said
        ]
        return Chats(self._processor, texts, pictures)

    def forward(self, inputs: Mapping[str, "Chats"]) -> dict[str, Tensor]:
        """(n, d) by modality."""
        return {modality: self._last(chats) for modality, chats in inputs.items()}

    def merge(self) -> None:
        """Make the adapters part of the weights: it answers sooner, and learns no more."""
        self.lm.merge_adapter()

    def _last(self, chats: "Chats") -> Tensor:
        states: Tensor = self.lm(**chats.tensors()).last_hidden_state
        return states[:, -1]


@final
class Chats:
    """Rows of a modality as a processor will read them; rows are chosen as of a tensor."""

    def __init__(self, processor: Any, texts: Sequence[str], pictures: Sequence[Image.Image] | None) -> None:
        self._processor, self.texts, self.pictures = processor, texts, pictures

    def __len__(self) -> int:
        return len(self.texts)

    def __getitem__(self, rows: Tensor) -> "Chats":
        places = rows.tolist()
        pictures = None if self.pictures is None else [self.pictures[i] for i in places]
        return Chats(self._processor, [self.texts[i] for i in places], pictures)

    def tensors(self) -> dict[str, Any]:
        """As the model takes them, padded on the left."""
        made: dict[str, Any] = self._processor(
            text=list(self.texts),
            images=None if self.pictures is None else [[one] for one in self.pictures],
            padding=True,
            return_tensors="pt",
        )
        return dict(made)


def _chat(modality: str, said: str, picture: bool) -> list[dict[str, Any]]:
    body = {"type": "image"} if picture else {"type": "text", "text": said}
    user = [body, {"type": "text", "text": request(modality)}]
    return [
        {"role": "system", "content": [{"type": "text", "text": system(modality)}]},
        {"role": "user", "content": user},
    ]


def _image(pixels: Tensor) -> Image.Image:
    return Image.fromarray(pixels.expand(3, -1, -1).permute(1, 2, 0).contiguous().numpy())


def _processor(folder: str | Path) -> Any:
    """The folder's processor. What reads films needs a package that is not asked for here: it is left out where it is
    not to be had."""
    try:
        found: Any = AutoProcessor.from_pretrained(str(folder), local_files_only=True)  # type: ignore[no-untyped-call]  # untyped
    except ImportError:
        pass
    except (OSError, ValueError) as error:
        raise _refused(folder, error) from error
    else:
        if not hasattr(found, "image_processor"):
            raise _refused(folder, ValueError("it reads no pictures"))
        return found
    image, tokenizer = _loaded(AutoImageProcessor, folder), _loaded(AutoTokenizer, folder)
    return _without_films(processing_auto.processor_class_from_name(_kind(folder)))(
        image_processor=image, tokenizer=tokenizer, chat_template=tokenizer.chat_template
    )


def _without_films(kind: Any) -> Any:
    """The class, which does not ask what ``None`` is."""

    def check(self: Any, name: str, given: Any) -> Any:
        return None if given is None else kind.check_argument_for_proper_class(self, name, given)

    return type(kind.__name__, (kind,), {"check_argument_for_proper_class": check})


def _kind(folder: str | Path) -> str:
    model: str = _loaded(AutoConfig, folder).model_type
    names: Mapping[str, str] = processing_auto.PROCESSOR_MAPPING_NAMES  # type: ignore[attr-defined]  # not exported
    if model not in names:
        raise InputError(f"{folder} is of type {model}, which transformers has no processor for, so it reads no chat")
    return names[model]


def _loaded(kind: Any, folder: str | Path, **options: Any) -> Any:
    try:
        return kind.from_pretrained(str(folder), local_files_only=True, **options)
    except (OSError, ValueError) as error:
        raise _refused(folder, error) from error


def _refused(folder: str | Path, error: Exception) -> InputError:
    return InputError(
        f"{folder} must be the folder of a vision-language model of transformers, or an id fetched before, so there is "
        f"no teacher: {str(error).splitlines()[0]}"
    )
