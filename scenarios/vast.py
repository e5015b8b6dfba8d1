"""Twenty devices caption clips of VAST-27M that they see, hear or read the subtitles of.

The clips are the user's: `mlecs run vast --set data.path=FOLDER`; docs/data.md draws the folder.
"""

from mlecs_ray.scenario.config import (
    AvailabilityConfig,
    ClientsConfig,
    DataConfig,
    EvaluationConfig,
    LocalConfig,
    MasksConfig,
    MethodConfig,
    RuntimeConfig,
    Scenario,
    TaskConfig,
)
from mlecs_ray.server.schedule import Schedule

SCENARIO = Scenario(
    name="vast",
    title="20 devices caption video clips of yours (VAST-27M), each with its own sensors and language model",
    seconds=86400.0,
    merges=60,
    data=DataConfig(name="vast", test_share=0.15, public_share=0.2, partition="iid", per_client=16),
    clients=ClientsConfig(
        count=20,
        devices={"jetson-nano": 2.0, "jetson-orin": 1.0, "phone-high": 2.0, "pi4b": 1.0},
        structures={"pi4b": "edge-small", "phone-high": "edge-small"},
        availability=AvailabilityConfig(kind="diurnal+markov", on_share=0.8, mean_on=7200.0, mean_off=1800.0),
        masks=MasksConfig(kind="fixed", rate=0.7),
        jitter=0.2,
    ),
    task=TaskConfig(
        kind="caption",
        slms=("edge-base", "edge-small"),
        cloud_llm="smollm2",
        ranks={"edge-small": 4},
        fusions={"edge-small": "pooling"},
        max_tokens=48,
        noise=0.5,
        instruction="Caption:",
    ),
    local=LocalConfig(optimizer="adamw", lr=2e-3, batch=8, steps=5, clip=1.0),
    method=MethodConfig(name="mlecs"),
    schedule=Schedule(concurrency=4, buffer=2),
    runtime=RuntimeConfig(checkpoint_every=20),
    evaluation=EvaluationConfig(
        metrics=("rouge_lsum", "rouge_lsum_content", "bertscore_minilm"), every_merges=20, rows=64, clients=2
    ),
)
