"""A server as a manifest for KubeRay (1.5.1 or newer): a ``RayService`` whose pods mount the run and the models."""

from pathlib import Path, PurePosixPath
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from mlecs_ray.errors import InputError
from mlecs_ray.run.bundle import read_bundle
from serve import proxies
from serve.configs import document, dumped
from serve.settings import Count, Settings, check_host

Name = Annotated[str, StringConstraints(pattern=r"^[a-z]([-a-z0-9]{0,45}[a-z0-9])?$")]
Place = Annotated[str, StringConstraints(pattern=r"^/[^\s:]+$")]
Quantity = Annotated[str, StringConstraints(pattern=r"^[0-9]+(Ki|Mi|Gi|Ti)$")]
ANYWHERE = "0.0.0.0"
_HEAD = """\
# Written by `mlecs serve RUN --config FILE --config-kind rayservice`. It needs two claims and a secret, by the names
# below: docs/serving/clusters.md has what must be in them.
"""
_READY = {
    "httpGet": {"path": "/-/healthz", "port": "serve"},
    "initialDelaySeconds": 10,
    "periodSeconds": 5,
    "timeoutSeconds": 2,
    "failureThreshold": 1,
}
"""A worker is when Serve's own proxy on it answers."""


class Pods(BaseModel):
    """Where a cluster has what: names of its objects, paths in its containers, and how large its pods are."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    name: Name = "mlecs"
    image: Annotated[str, StringConstraints(min_length=1)] = "mlecs-ray:0.1.0"
    """With this project and its lock file installed, and the same Ray."""
    run: Place = "/mnt/mlecs/run"
    """The run's folder, with its store and its galleries."""
    cache: Place = "/mnt/mlecs/cache"
    """The cache of models: ``MLECS_CACHE``."""
    keys: Place = "/etc/mlecs"
    """The folder of the key file."""
    run_claim: Name = "mlecs-run"
    cache_claim: Name = "mlecs-cache"
    keys_secret: Name = "mlecs-keys"
    workers: Count = 1
    cpus: Count = 4
    """Of a worker."""
    memory: Quantity = "8Gi"
    """Of a worker."""
    gpus: Annotated[int, Field(ge=0)] = 0
    """Of a worker, NVIDIA's."""
    head_cpus: Count = 1
    head_memory: Quantity = "4Gi"


def manifest(settings: Settings, pods: Pods, port: int) -> str:
    """YAML of the manifest. Raises InputError for what pods could not find, or could not do."""
    check_host(ANYWHERE, settings.key_file)
    _check_models(settings, pods)
    whole = document(settings, _inside(settings, pods))
    _check_room(whole["applications"][0]["deployments"], pods)
    # A proxy on every pod with replicas, as a worker is ready when its own proxy is.
    config = {"proxy_location": "EveryNode", "http_options": {"host": ANYWHERE, "port": port}, **whole}
    spec = {"serveConfigV2": dumped(config), "rayClusterConfig": _cluster(pods, port)}
    top = {"apiVersion": "ray.io/v1", "kind": "RayService", "metadata": {"name": pods.name}, "spec": spec}
    return _HEAD + dumped(top)


def _inside(settings: Settings, pods: Pods) -> Settings:
    """The settings with the paths that a pod sees."""
    run, keys = Path(settings.store).parent, PurePosixPath(pods.keys)

    def moved(path: str) -> str:
        if not Path(path).is_relative_to(run):
            raise InputError(f"{path} is not below the run's folder {run}, so no pod has it: they mount that alone")
        return str(PurePosixPath(pods.run) / Path(path).relative_to(run))

    places = {"store": moved(settings.store), "gallery": moved(settings.gallery)}
    if settings.log_file is not None:
        places["log_file"] = moved(settings.log_file)
    # Unchecked: these paths are none of this machine's.
    return settings.model_copy(update={**places, "key_file": str(keys / Path(str(settings.key_file)).name)})


def _check_models(settings: Settings, pods: Pods) -> None:
    """A language model that the run names by its path is looked for at this very path."""
    scenario = read_bundle(Path(settings.store) / settings.version).scenario
    task, teachers = scenario.task, [scenario.reid.teacher.model] if scenario.task.kind == "reid" else []
    mounts = (pods.run, pods.cache)
    for name in (*task.slms, task.cloud_llm or "", *teachers):
        path = PurePosixPath(name.removeprefix("file:"))
        if path.is_absolute() and not any(path.is_relative_to(mount) for mount in mounts):
            raise InputError(
                f"the run names the language model {name} by its path, which is below neither run={pods.run} nor "
                f"cache={pods.cache}, so pods would not find it: --config-set cache=PATH mounts the cache above it"
            )


def _check_room(deployments: list[dict[str, Any]], pods: Pods) -> None:
    for option, word, each, remedy in (
        ("num_cpus", "cpus", pods.cpus, "--set cpus=0.1"),
        ("num_gpus", "gpus", pods.gpus, "--config-set gpus=1"),
    ):
        needed = sum(one["num_replicas"] * one["ray_actor_options"].get(option, 0) for one in deployments)
        if needed > pods.workers * each:
            raise InputError(
                f"workers={pods.workers} of {word}={each} have fewer than the {needed:g} that the deployments "
                f"reserve, so some would wait for ever: more workers, or {remedy}"
            )


def _cluster(pods: Pods, port: int) -> dict[str, Any]:
    import ray

    serve = {"name": "serve", "containerPort": port}
    metrics = {"name": "metrics", "containerPort": 8080}
    head = [("gcs-server", 6379), ("dashboard", 8265), ("client", 10001)]
    ports = [{"name": name, "containerPort": number} for name, number in head]
    # The operator deploys nothing before the head is ready, so the head must not wait for Serve: it keeps the probe
    # that the operator gives it, and gets requests once its proxy answers.
    head_pod = _pod("ray-head", pods, [*ports, serve, metrics], pods.head_cpus, pods.head_memory)
    worker = _pod("ray-worker", pods, [serve, metrics], pods.cpus, pods.memory, pods.gpus, readinessProbe=_READY)
    group = {"groupName": "models", "replicas": pods.workers, "minReplicas": pods.workers, "maxReplicas": pods.workers}
    return {
        "rayVersion": ray.__version__,
        # The operator makes the token: else whoever reaches the dashboard runs what they like.
        "authOptions": {"mode": "token"},
        # No CPUs on the head: replicas run on workers, and a busy model never starves what keeps the cluster together.
        "headGroupSpec": {"rayStartParams": {"dashboard-host": ANYWHERE, "num-cpus": "0"}, "template": head_pod},
        "workerGroupSpecs": [{**group, "rayStartParams": {}, "template": worker}],
    }


def _pod(name: str, pods: Pods, ports: list[Any], cpus: int, memory: str, gpus: int = 0, **more: Any) -> dict[str, Any]:
    size = {"cpu": str(cpus), "memory": memory} | ({"nvidia.com/gpu": str(gpus)} if gpus else {})
    env = {
        "HF_HUB_OFFLINE": "1",
        "MLECS_CACHE": pods.cache,
        "RAY_USAGE_STATS_ENABLED": "0",
        proxies.VARIABLE: proxies.IMPORT_PATH,
    }
    container = {
        "name": name,
        "image": pods.image,
        "env": [{"name": key, "value": value} for key, value in env.items()],
        "ports": ports,
        "resources": {"requests": size, "limits": size},
        "volumeMounts": [
            {"name": "run", "mountPath": pods.run},
            {"name": "cache", "mountPath": pods.cache},
            {"name": "keys", "mountPath": pods.keys, "readOnly": True},
        ],
        **more,
    }
    volumes = [
        {"name": "run", "persistentVolumeClaim": {"claimName": pods.run_claim}},
        {"name": "cache", "persistentVolumeClaim": {"claimName": pods.cache_claim}},
        {"name": "keys", "secret": {"secretName": pods.keys_secret}},
    ]
    return {"spec": {"containers": [container], "volumes": volumes}}
