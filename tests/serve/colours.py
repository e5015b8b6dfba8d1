"""Pictures of one colour, whose vectors by made-up models are that colour, and a gallery of them."""

import base64
import io
from typing import Any

from PIL import Image
from starlette.testclient import TestClient


def picture(colour: str) -> dict[str, Any]:
    """A part of content."""
    out = io.BytesIO()
    Image.new("RGB", (4, 4), colour).save(out, "PNG")
    url = f"data:image/png;base64,{base64.b64encode(out.getvalue()).decode()}"
    return {"type": "image_url", "image_url": {"url": url}}


def entry(colour: str, **more: Any) -> dict[str, Any]:
    """One of a gallery, by the colour's name."""
    return {"id": colour, "input": [picture(colour)], "thumbnail": picture(colour)["image_url"]["url"], **more}


def enrol(client: TestClient, *entries: dict[str, Any], model: str = "edge", **how: Any) -> Any:
    """The answer to who enrols these."""
    return client.post("/v1/gallery/colours", json={"model": model, "entries": list(entries)}, **how)
