"""KubeRay's manifest, against what its types require (ray-operator/apis/ray/v1: fields without ``omitempty``)."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import ray
import yaml
from ray.serve.schema import ServeDeploySchema
from rich.console import Console

from mlecs_ray.errors import InputError
from scenarios.serving import prepare
from serve import proxies
from serve.configs import serve_config
from serve.rayservice import Pods, manifest
from serve.settings import Settings
from tests.serve.test_configs import wanted
from tests.serving import spoken

REQUIRED = {
    "": {"apiVersion", "kind", "metadata", "spec"},
    "headGroupSpec": {"rayStartParams", "template"},
    "workerGroupSpecs": {"groupName", "replicas", "minReplicas", "maxReplicas", "rayStartParams", "template"},
}
"""Of a worker group, ``replicas`` has a default, but of no worker at all."""


@pytest.fixture(scope="module")
def settings(tmp_path_factory: pytest.TempPathFactory) -> Settings:
    keys = tmp_path_factory.mktemp("keys") / "keys.jsonl"
    keys.touch()
    return prepare(wanted(cpus=0.1, key_file=str(keys)), Console(quiet=True))


@pytest.fixture(scope="module")
def pods() -> Pods:
    # The tiny run names its language models by their paths, which a pod must then have as well.
    return Pods(image="registry.example/mlecs:7", cache=str(spoken.run().parent), workers=2)


@pytest.fixture(scope="module")
def found(settings: Settings, pods: Pods) -> Any:
    return yaml.safe_load(manifest(settings, pods, 8123))


def groups(found: Any) -> list[Any]:
    cluster = found["spec"]["rayClusterConfig"]
    return [cluster["headGroupSpec"], *cluster["workerGroupSpecs"]]


def containers(found: Any) -> Iterator[Any]:
    for group in groups(found):
        yield from group["template"]["spec"]["containers"]


def test_the_manifest_is_a_ray_service_with_all_that_is_required(found: Any) -> None:
    assert (found["apiVersion"], found["kind"]) == ("ray.io/v1", "RayService")
    head, worker = groups(found)
    cluster = found["spec"]["rayClusterConfig"]
    assert found.keys() == REQUIRED[""]
    assert (cluster["rayVersion"], cluster["authOptions"]) == (ray.__version__, {"mode": "token"})
    assert found["metadata"]["name"] == "mlecs"
    assert found["spec"].keys() == {"serveConfigV2", "rayClusterConfig"}
    assert head.keys() == REQUIRED["headGroupSpec"]
    assert worker.keys() == REQUIRED["workerGroupSpecs"]
    assert worker["replicas"] == worker["minReplicas"] == worker["maxReplicas"] == 2
    # `ray start` takes words, and Kubernetes' quantities are words too.
    assert all(isinstance(value, str) for group in groups(found) for value in group["rayStartParams"].values())


def test_every_container_says_what_it_runs_and_how_large_it_is(found: Any) -> None:
    for one in containers(found):
        assert one["image"] == "registry.example/mlecs:7"
        assert one["resources"]["requests"] == one["resources"]["limits"]
        assert all(isinstance(size, str) for size in one["resources"]["limits"].values())
        assert {"name": "HF_HUB_OFFLINE", "value": "1"} in one["env"]
        assert {"name": proxies.VARIABLE, "value": proxies.IMPORT_PATH} in one["env"]
        assert {"name": "MLECS_CACHE", "value": str(spoken.run().parent)} in one["env"]
        assert all(len(port["name"]) <= 15 for port in one["ports"])
    head, worker = containers(found)
    # By these names the operator finds them; once one is given, it adds none of the others but metrics.
    assert {p["name"]: p["containerPort"] for p in head["ports"]} == {
        "gcs-server": 6379,
        "dashboard": 8265,
        "client": 10001,
        "serve": 8123,
        "metrics": 8080,
    }
    assert {p["name"]: p["containerPort"] for p in worker["ports"]} == {"serve": 8123, "metrics": 8080}


def test_a_worker_is_ready_when_its_proxy_is_and_the_head_waits_for_nobody(found: Any) -> None:
    head, worker = containers(found)
    assert worker["readinessProbe"]["httpGet"] == {"path": "/-/healthz", "port": "serve"}
    assert "readinessProbe" not in head


def test_every_mount_has_its_volume(found: Any) -> None:
    for group in groups(found):
        spec = group["template"]["spec"]
        volumes = {volume["name"]: volume for volume in spec["volumes"]}
        (container,) = spec["containers"]
        assert {mount["name"] for mount in container["volumeMounts"]} == volumes.keys()
        assert len({mount["mountPath"] for mount in container["volumeMounts"]}) == len(volumes)
        assert volumes["run"]["persistentVolumeClaim"] == {"claimName": "mlecs-run"}
        assert volumes["cache"]["persistentVolumeClaim"] == {"claimName": "mlecs-cache"}
        assert volumes["keys"]["secret"] == {"secretName": "mlecs-keys"}


def test_the_config_inside_is_the_serve_config_with_the_paths_of_a_pod(found: Any, settings: Settings) -> None:
    inner = yaml.safe_load(found["spec"]["serveConfigV2"])
    schema = ServeDeploySchema.model_validate(inner)
    assert (schema.http_options.host, schema.http_options.port) == ("0.0.0.0", 8123)
    (mine,), (plain,) = inner["applications"], yaml.safe_load(serve_config(settings, "::1", 1))["applications"]
    assert {**mine, "args": None} == {key: plain[key] for key in plain if key != "runtime_env"} | {"args": None}
    assert mine["args"] == {
        **plain["args"],
        "store": "/mnt/mlecs/run/serving",
        "gallery": "/mnt/mlecs/run/gallery",
        "log_file": "/mnt/mlecs/run/serving/requests.jsonl",
        "key_file": "/etc/mlecs/keys.jsonl",
    }


def test_what_a_pod_mounts_at_those_paths_is_a_server(settings: Settings, tmp_path: Path) -> None:
    pods = Pods(cache=str(spoken.run().parent), run=str(tmp_path / "run"), keys=str(tmp_path / "keys"))
    (tmp_path / "run").symlink_to(spoken.run())
    (tmp_path / "keys").symlink_to(Path(str(settings.key_file)).parent)
    inner = yaml.safe_load(yaml.safe_load(manifest(settings, pods, 8123))["spec"]["serveConfigV2"])
    mounted = Settings.model_validate(inner["applications"][0]["args"])
    assert Path(mounted.store, mounted.version).is_dir()
    assert Path(str(mounted.key_file)).is_file()


def test_without_a_key_file_there_is_no_manifest(settings: Settings, pods: Pods) -> None:
    with pytest.raises(InputError, match="key file must say who may"):
        manifest(settings.model_copy(update={"key_file": None}), pods, 8123)


def test_models_that_no_pod_would_find_are_named(settings: Settings) -> None:
    with pytest.raises(InputError, match=rf"{spoken.LANGUAGE} by its path.*cache=/mnt/mlecs/cache"):
        manifest(settings, Pods(), 8123)


def test_files_that_no_pod_would_find_are_named(settings: Settings, pods: Pods) -> None:
    with pytest.raises(InputError, match=r"/elsewhere is not below .*no pod has it"):
        manifest(settings.model_copy(update={"gallery": "/elsewhere"}), pods, 8123)


def test_pods_too_small_for_the_replicas_are_refused(settings: Settings, pods: Pods) -> None:
    with pytest.raises(InputError, match=r"workers=2 of cpus=4 have fewer than the 20\.3"):
        manifest(settings.model_copy(update={"replicas": 20, "cpus": 0.5}), pods, 8123)


def test_models_on_gpus_need_pods_that_have_some(settings: Settings, pods: Pods) -> None:
    asked = settings.model_copy(update={"device": "cuda"})
    with pytest.raises(InputError, match=r"workers=2 of gpus=0 have fewer than the 1 .*--config-set gpus=1"):
        manifest(asked, pods, 8123)
    _, worker = containers(yaml.safe_load(manifest(asked, pods.model_copy(update={"gpus": 1}), 8123)))
    assert worker["resources"]["limits"]["nvidia.com/gpu"] == "1"
