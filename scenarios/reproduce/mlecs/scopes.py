"""Whose models are measured."""

from collections.abc import Mapping

CLIENTS, CLOUD, RECEIVER = "personal", "cloud", "global"
"""Each client's own model, the cloud's LLM, and the client-compatible model on the server."""
SIDES: Mapping[str, str] = {
    CLIENTS: "clients",
    CLOUD: "cloud LLM",
    RECEIVER: "client-compatible model on the server",
}
