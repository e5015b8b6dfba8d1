"""What is said over HTTP: OpenAI's requests and answers, and ours in the same manner."""

import time
from typing import Annotated, Literal, Self

from pydantic import BaseModel, Field, model_validator

from serve.parts import Body, Content, Embedded, Name, Own, Parts, Stop, Whole


class Message(Body):
    """One turn."""

    role: Literal["system", "developer", "user", "assistant"]
    content: Content


class Wish(Own):
    """Ours, in ``extra_body``: who should answer, and within what."""

    policy: Literal["cascade", "edge", "cloud"] | None = None
    """Only for ``model: auto``; the server's own policy where none is named."""
    client: Annotated[Whole, Field(ge=0)] | None = None
    """Answer at the edge as this client."""
    domain: Name | None = None
    """Answer at the edge as the client that has most samples of this domain."""
    max_latency_seconds: Annotated[float, Field(gt=0)] | None = None
    """Do not ask the cloud where its answer would come later than this."""
    max_joules: Annotated[float, Field(gt=0)] | None = None
    """Do not ask the cloud where the answer would take more energy than this, by estimate."""

    @model_validator(mode="after")
    def _one_of_them(self) -> Self:
        if self.client is not None and self.domain is not None:
            raise ValueError("client and domain both say whose model answers: leave one of them out")
        return self


class StreamOptions(Body):
    """OpenAI's."""

    include_usage: bool = False


class ResponseFormat(Body):
    """OpenAI's."""

    type: Literal["text"]


class ChatRequest(Body):
    """``POST /v1/chat/completions``."""

    model: Name
    messages: Annotated[list[Message], Field(min_length=1, max_length=64)]
    stream: bool = False
    stream_options: StreamOptions | None = None
    max_tokens: Annotated[Whole, Field(ge=1, le=4096)] | None = None
    max_completion_tokens: Annotated[Whole, Field(ge=1, le=4096)] | None = None
    temperature: Annotated[float, Field(ge=0, le=2)] | None = None
    """0 where none is given: the likeliest words, as evaluation has them."""
    top_p: Annotated[float, Field(gt=0, le=1)] | None = None
    seed: Annotated[Whole, Field(ge=-(2**63), lt=2**63)] | None = None
    stop: Stop | None = None
    n: Literal[1] | None = None
    mlecs: Wish = Wish()

    # What would change the answer and is not there is refused, not ignored.
    tools: None = None
    functions: None = None
    logprobs: Literal[False] | None = None
    logit_bias: None = None
    function_call: Literal["none", "auto"] | None = None
    tool_choice: Literal["none", "auto"] | None = None
    top_logprobs: Literal[0] | None = None
    presence_penalty: Literal[0] | None = None
    frequency_penalty: Literal[0] | None = None
    response_format: ResponseFormat | None = None
    modalities: Annotated[list[Literal["text"]], Field(fail_fast=True)] | None = None
    audio: None = None
    web_search_options: None = None


class Usage(BaseModel):
    """Tokens, soft ones among those of the prompt."""

    prompt_tokens: int
    completion_tokens: int = 0
    total_tokens: int


class Told(BaseModel):
    """Ours, with every answer: who gave it, and what it cost."""

    answered_by: Literal["edge", "cloud", "encoder"]
    model: str
    """With its version: ``name@merges-digest``."""
    version: str
    policy: str
    why: str
    confidence: float | None = None
    """What an answer as certain as this was worth on held-out data, on average; None where none was fitted to answers
    of this kind. Of a classifier, the probability of its class."""
    threshold: float | None = None
    """In the same units: below it, the cascade asks the cloud."""
    threshold_score: float | None = None
    """The same as a score, which tells apart answers of one confidence; None where all or none are asked of the
    cloud."""
    score: float | None = None
    """Mean log-probability of the answer's tokens."""
    latency_seconds: float
    """Measured here, from the request to the last token."""
    device: str | None = None
    """The class of devices that the estimates are about."""
    estimated_seconds: float | None = None
    estimated_joules: float | None = None
    bytes: int = 0
    """Sent between edge and cloud for this answer."""
    modalities: list[str] = []
    masked: list[str] = []
    """Modalities of the model that the request lacks."""
    degraded: str | None = None
    """What did not work, where another had to answer."""


class ChoiceMessage(BaseModel):
    """OpenAI's."""

    role: Literal["assistant"] = "assistant"
    content: str
    refusal: None = None


class Choice(BaseModel):
    """OpenAI's."""

    index: int = 0
    message: ChoiceMessage
    finish_reason: Literal["stop", "length"]
    logprobs: None = None


class ChatCompletion(BaseModel):
    """OpenAI's, and ``mlecs``."""

    id: str
    object: Literal["chat.completion"] = "chat.completion"
    created: int = Field(default_factory=lambda: int(time.time()))
    model: str
    choices: list[Choice]
    usage: Usage
    system_fingerprint: str
    mlecs: Told


class Delta(BaseModel):
    """OpenAI's."""

    role: Literal["assistant"] | None = None
    content: str | None = None


class ChunkChoice(BaseModel):
    """OpenAI's."""

    index: int = 0
    delta: Delta
    finish_reason: Literal["stop", "length"] | None = None


class ChatChunk(BaseModel):
    """OpenAI's; ``mlecs`` is in the last one with a choice."""

    id: str
    object: Literal["chat.completion.chunk"] = "chat.completion.chunk"
    created: int
    model: str
    choices: list[ChunkChoice]
    usage: Usage | None = None
    system_fingerprint: str
    mlecs: Told | None = None


class EmbeddingRequest(Body):
    """``POST /v1/embeddings``. ``input``: words, lists of words, or lists of content parts: what is sensed."""

    model: Name
    input: Embedded
    encoding_format: Literal["float", "base64"] = "float"
    dimensions: None = None


class Embedding(BaseModel):
    """OpenAI's."""

    object: Literal["embedding"] = "embedding"
    index: int
    embedding: list[float] | str


class Embeddings(BaseModel):
    """OpenAI's, and ``mlecs``."""

    object: Literal["list"] = "list"
    data: list[Embedding]
    model: str
    usage: Usage
    mlecs: Told | None = None


class ClassifyRequest(Own):
    """``POST /v1/classify``: which class what is sensed belongs to."""

    model: Name
    input: Parts
    mlecs: Wish = Wish()


class Classification(BaseModel):
    """The class, and how sure the model is of each; those that answer in words are as sure as of what they said."""

    id: str
    object: Literal["classification"] = "classification"
    model: str
    label: str | None
    """None where a model that answers in words said something that is no class."""
    said: str | None = None
    probabilities: dict[str, float]
    mlecs: Told


class Sense(BaseModel):
    """What a request may bring of one modality."""

    kind: Literal["image", "speech", "text", "values"]
    width: int
    """How many features the models read; of ``values`` as many numbers, or a window of the sensor's own readings."""


class ModelCard(BaseModel):
    """OpenAI's, and what the model is."""

    id: str
    object: Literal["model"] = "model"
    created: int
    owned_by: str = "mlecs-ray"
    side: Literal["edge", "cloud", "gateway", "encoder"]
    version: str
    answers: Literal["text", "class", "embedding"]
    modalities: list[str] = []
    senses: dict[str, Sense] = {}
    """What can be brought for each of its modalities."""
    structure: str | None = None
    device: str | None = None
    samples: int = 0
    domains: dict[str, int] | None = None


class ModelList(BaseModel):
    """OpenAI's."""

    object: Literal["list"] = "list"
    data: list[ModelCard]


class Fault(BaseModel):
    """OpenAI's."""

    message: str
    type: str
    param: str | None = None
    code: str | None = None


class ErrorBody(BaseModel):
    """OpenAI's: what every refusal looks like."""

    error: Fault
