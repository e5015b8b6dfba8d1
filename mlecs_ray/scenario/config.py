"""A scenario: one value that says everything about a run, checked before anything starts."""

from typing import Annotated, Any, Literal, Self

from pydantic import BaseModel, Field, model_validator

from mlecs_ray.data.names import FOLDERS, SEEN, Brought, Shipped
from mlecs_ray.errors import InputError
from mlecs_ray.scenario.base import STRICT
from mlecs_ray.scenario.clients import AvailabilityConfig as AvailabilityConfig
from mlecs_ray.scenario.clients import ClientsConfig as ClientsConfig
from mlecs_ray.scenario.clients import FaultsConfig as FaultsConfig
from mlecs_ray.scenario.clients import MasksConfig as MasksConfig
from mlecs_ray.scenario.clients import StragglersConfig as StragglersConfig
from mlecs_ray.scenario.environments import EnvironmentsConfig as EnvironmentsConfig
from mlecs_ray.scenario.load import LoadConfig as LoadConfig
from mlecs_ray.scenario.people import PeopleConfig as PeopleConfig
from mlecs_ray.scenario.ranges import Count, NonNegative, Positive, Share
from mlecs_ray.scenario.runtime import RuntimeConfig as RuntimeConfig
from mlecs_ray.server.rules import GuardRules
from mlecs_ray.server.schedule import Schedule


class Config(BaseModel):
    """Frozen, no key is unknown, no number is NaN or infinite."""

    model_config = STRICT


class DataConfig(Config):
    """Which data, how it is split, and how the training part is dealt to the clients."""

    name: Literal[Shipped, Brought, "parquet"] = "digits"
    """A shipped data set (``mlecs list data``); ``parquet`` or public data of your own, with ``path``."""
    path: str | None = None
    """The folder, for ``parquet`` and for public data that the user brings."""
    modalities: tuple[str, ...] | None = None
    """Use only these; None: all that the data has."""
    test_share: Share = 0.2
    """Of all samples, those that models are measured on."""
    public_share: Share = 0.0
    """Of all samples, those that the cloud owns; the rest is the clients'."""
    public_domains: tuple[str, ...] | None = None
    """Of the public samples keep only those of these domains; None: all."""
    fold: Annotated[int, Field(ge=0)] | None = None
    """Test on this fold of a cross-validation, counted from 0, each of ``test_share``; None: on a share drawn anew for
    every seed."""
    partition: Literal["iid", "dirichlet", "domain", "quantity", "given", "environments"] = "iid"
    """``given``: by the ``client`` column of a user's own data; ``environments``: as these shift."""
    environments: EnvironmentsConfig = EnvironmentsConfig()
    alpha: Positive = 0.5
    """Dirichlet concentration; smaller is more skewed."""
    sigma: Positive = 1.0
    """Spread of the log-normal sizes of ``quantity``."""
    minimum: Count = 1
    """Fewest samples a client may own."""
    per_client: Count | None = None
    """Draw this many for each client, with replacement across clients; None: every sample has one owner."""

    @model_validator(mode="after")
    def _sound(self) -> Self:
        names = self.modalities
        if names is not None and (not names or len(set(names)) < len(names)):
            raise InputError(
                f"data.modalities={list(names)} must be one or more different names, or clients have nothing to learn "
                "from; null takes all that the data has"
            )
        # The shipped scenarios of vast and urfall have none before a user names one: reading asks for it.
        if self.name == "parquet" if self.path is None else self.name not in ("parquet", *FOLDERS):
            raise InputError(
                f"data.path={self.path} and data.name={self.name}: a path is needed by data.name=parquet, "
                f"{', '.join(FOLDERS)}, and by nothing else, so nothing was started"
            )
        if self.environments != EnvironmentsConfig() and self.partition != "environments":
            raise InputError(
                f"data.environments need data.partition=environments, here {self.partition}, or nobody has any"
            )
        return self


class TaskConfig(Config):
    """What is learned."""

    kind: Literal["mlp", "fusion", "network", "caption", "reid"] = "mlp"
    """A perceptron; an encoder per modality and their fusion; a network of blocks; a captioner with language models; a
    dual encoder that finds people again."""
    hidden: tuple[Count, ...] = (64,)
    """Hidden widths of ``mlp`` and ``network``; the first is that of ``fusion``."""
    network: str = "mlp"
    """Of ``network``: mlp, vgg, resnet, transformer, or ``path.py:make`` of your own."""
    pretrain_epochs: Annotated[int, Field(ge=0)] = 0
    """The cloud trains ``network`` on the public samples for so long before the run; its AdamW has ``pretrain_lr``."""
    pretrain_lr: Annotated[float, Field(gt=0, le=1)] = 2e-3
    """Of that training."""
    pretrain_batch: Count = 32
    """Of that training."""
    slms: tuple[str, ...] = ("edge-base", "edge-small")
    """Structures of ``caption``: names of healed SLMs, causal LM directories, Hugging Face ids, or fetched assets:
    ``file:PATH``, ``hf:OWNER/REPO@COMMIT``."""
    cloud_llm: str | None = None
    """Also measure the shared modules on this LLM: ``smollm2``, or a model named as in ``slms``."""
    rank: Count = 8
    """Of the adapters that the server holds."""
    ranks: dict[str, Count] = {}
    """Structure -> the rank of its adapters, where that is lower."""
    fusions: dict[str, Literal["fusion", "pooling"]] = {}
    """Structure -> how it joins its modalities; ``fusion`` where none is named."""
    soft_tokens: Count = 16
    """How many soft tokens a fused representation becomes."""
    max_tokens: Annotated[int, Field(ge=2)] = 24
    """The longest answer of ``caption``, end-of-text included; longer targets are cut."""
    noise: Annotated[float, Field(ge=0, lt=1)] = 0.0
    """Share of the features that ``caption`` drops at random in training."""
    answer: Literal["text", "class"] = "text"
    """What ``caption`` says: the sample's text, or the name of its class."""
    instruction: str = "Describe:"
    """What ``caption`` is asked."""

    @model_validator(mode="after")
    def _sound(self) -> Self:
        if self.kind == "fusion" and not self.hidden:
            raise InputError("task.hidden=[] must have a first width for task.kind=fusion, or encoders encode nothing")
        for key, names in (("ranks", self.ranks), ("fusions", self.fusions)):
            unknown = sorted(names.keys() - set(self.slms) - {"cloud"})
            if unknown:
                raise InputError(
                    f"task.{key} names {unknown[0]!r}, which is none of task.slms={list(self.slms)} nor cloud, "
                    "so no client would have it"
                )
        if ":" in self.network and self.kind != "network":
            raise InputError(
                f"task.network={self.network} needs task.kind=network, here {self.kind}, or another model would learn"
            )
        if self.kind == "caption" and not self.slms:
            raise InputError("task.slms=[] must name one or more for task.kind=caption, or no device has a model")
        return self


class LocalConfig(Config):
    """How a client trains."""

    optimizer: Literal["sgd", "adamw"] = "sgd"
    """Of each job; its state begins anew with it."""
    lr: Annotated[float, Field(gt=0, le=1e3)] = 0.1
    """The learning rate."""
    momentum: Annotated[float, Field(ge=0, lt=1)] = 0.0
    """Of ``sgd``."""
    weight_decay: NonNegative = 0.0
    """Decoupled with ``adamw``, added to the gradient with ``sgd``."""
    batch: Count = 16
    """Samples of a mini-batch."""
    epochs: Count = 1
    """Passes of a job over its client's samples."""
    steps: Count | None = None
    """At most this many steps a job; None: all epochs."""
    clip: Positive | None = None
    """Largest norm of a gradient over all parameters; None: no limit."""
    anneal: bool = False
    """The rate falls over a job, in a straight line to nothing."""


class BaseMethod(Config):
    """A method; ``options`` are its own hyper-parameters."""

    name: str = "fedavg"
    """A shipped method, or ``path.py:Name`` of one of your own."""
    options: dict[str, Any] = {}
    """Its hyper-parameters: ``mlecs list NAME`` tells those of a shipped one."""

    @model_validator(mode="before")
    @classmethod
    def _named(cls, given: Any) -> Any:
        """A name alone is a method without options."""
        return {"name": given} if isinstance(given, str) else given


class MethodConfig(BaseMethod):
    """How what clients learn is joined."""

    base: BaseMethod = BaseMethod()
    """The method that this one wraps."""


class EvaluationConfig(Config):
    """When and how the state is measured."""

    metrics: Annotated[tuple[str, ...], Field(min_length=1)] = ("accuracy",)
    """By name; the first decides, unless ``target`` is set."""
    every_merges: Count | None = None
    """Measure after each so many merges; the untrained and the last state are measured anyway."""
    every_seconds: Positive | None = None
    """Measure after each so many virtual seconds."""
    rows: Count | None = None
    """The first so many test rows; None: all."""
    clients: Annotated[int, Field(ge=0)] = 0
    """Measure also through the modalities of this many clients."""
    local: bool = False
    """Measure these clients on test rows like their present data, and judge the run by their mean."""
    target: str | None = None
    """The metric that ``compare`` and time-to-metric use; None: the first."""

    @model_validator(mode="after")
    def _sound(self) -> Self:
        if self.target is not None and self.target not in self.metrics:
            raise InputError(
                f"evaluation.target={self.target!r} must be one of evaluation.metrics={list(self.metrics)}, "
                "or nothing would be compared"
            )
        if self.local and not self.clients:
            raise InputError("evaluation.local=true needs evaluation.clients of 1 or more, or nobody is measured")
        return self


class Scenario(Config):
    """One run, or a study when there are ``variants`` or several ``seeds``."""

    name: Annotated[str, Field(pattern=r"^\w[\w.-]*$")]
    """Also of its folder: letters, digits, ``_``, ``-`` and dots."""
    title: str = ""
    """What it is about, in a sentence."""
    seed: int = 0
    """Of everything that is random."""
    seconds: Positive = 3600.0
    """Virtual time at which the run ends."""
    merges: Count | None = None
    """End after this many merges, if that comes first."""
    clock: Literal["virtual", "wall"] = "virtual"
    """Simulated time; or real time, in which jobs take as long as they take."""
    data: DataConfig = DataConfig()
    clients: ClientsConfig = ClientsConfig()
    task: TaskConfig = TaskConfig()
    local: LocalConfig = LocalConfig()
    reid: PeopleConfig = PeopleConfig()
    method: MethodConfig = MethodConfig()
    schedule: Schedule = Schedule()
    guard: GuardRules = GuardRules()
    evaluation: EvaluationConfig = EvaluationConfig()
    runtime: RuntimeConfig = RuntimeConfig()
    variants: dict[str, dict[str, Any]] = {}
    """Name -> dotted keys and values that differ; the first is the reference."""
    seeds: tuple[int, ...] = ()
    """Seeds of a study; empty: ``seed`` alone."""

    @model_validator(mode="after")
    def _sound(self) -> Self:
        if len(set(self.seeds)) < len(self.seeds):
            raise InputError(f"seeds={list(self.seeds)} must differ, or one run would overwrite another")
        if self.task.kind == "reid" and self.data.name not in SEEN:
            raise InputError(
                f"task.kind=reid finds people, and data.name={self.data.name} has none: choose one of {', '.join(SEEN)}"
            )
        if self.reid != PeopleConfig() and self.task.kind != "reid":
            raise InputError(f"reid needs task.kind=reid, here {self.task.kind}, or nobody would be looked for")
        for variant, changes in self.variants.items():
            if not variant:
                raise InputError(f"variants {list(self.variants)} must all have a name, or one has no folder")
            own = next((key for key in ("name", "seed", "seeds", "variants") if key in changes), None)
            if own:
                raise InputError(
                    f"variants.{variant}.{own} cannot be set: {own} is the study's own, as for all variants"
                )
        return self
