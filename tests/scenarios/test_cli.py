"""What a user may get wrong: each mistake is one line, exit code 2, and leaves nothing behind."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from tests.scenarios.conftest import Mlecs, assert_refused, sets
from tests.small import SMALL

UNKNOWN = {
    "client.count=3": "did you mean clients.count?",
    "clients.cuont=3": "did you mean clients.count?",
    "count=3": "did you mean clients.count?",
    "schedule.buffer_size=3": "did you mean schedule.buffer?",
    "schedule.lr=1": "did you mean local.lr?",
    "schedule.zzz=1": "schedule has concurrency, buffer, barrier",
    "zzz=1": "`mlecs keys` lists them all",
    "clients.availability.mean_of=3": "did you mean clients.availability.mean_off?",
    "clients.count.x=3": "clients.count.x is no key",
    "clients.devices.pi4b.x=3": "clients.devices.pi4b",
    "variants.a.clients.cuont=3": "variants.a: clients.cuont is no key",
    'variants={"a": {"b": 1}}': "variants.a: b is no key",
}
TYPES = {
    "clients.count=many": "clients.count='many': input should be a valid integer",
    "clients.count=1.5": "clients.count=1.5",
    "clients.count=true": "clients.count=True: input should be a valid integer",
    "clients.count=null": "clients.count=None",
    "clients.count=": "clients.count=''",
    "clients=3": "clients=3: input should be an object",
    "clients=null": "clients=None",
    "schedule=fast": "schedule='fast': input should be an object",
    "schedule.selection=best": "'fifo', 'random', 'availability' or 'utility'",
    "data.modalities=image": "data.modalities='image': input should be a valid array",
    "evaluation.metrics=accuracy": "evaluation.metrics='accuracy'",
    "runtime.clients_per_actor=many": "input should be 'auto' or input should be a valid integer",
    "clients.availability.joins.ann=1": "clients.availability.joins.ann",
    "method.options=[1]": "method.options=[1]",
    "title=3": "title=3: input should be a valid string",
    "name=a/b": "name='a/b'",
    "clients.devices=[]": "clients.devices=[]",
}
NUMBERS = {
    "seconds=0": "seconds=0: input should be greater than 0",
    "seconds=NaN": "seconds=nan: input should be a finite number",
    "seconds=-1": "seconds=-1",
    "seconds=Infinity": "seconds=inf",
    "merges=0": "merges=0",
    "clients.count=0": "clients.count=0",
    "clients.count=NaN": "clients.count=nan",
    "local.lr=NaN": "local.lr=nan",
    "local.lr=-1": "local.lr=-1",
    "local.lr=1e308": "local.lr=1e+308: input should be less than or equal to 1000",
    "clients.jitter=1000": "clients.jitter=1000: input should be less than or equal to 10",
    "clients.stragglers.factor=1e40": "clients.stragglers.factor=1e+40",
    "local.momentum=1": "local.momentum=1",
    "clients.jitter=NaN": "clients.jitter=nan",
    "clients.faults.dropout=1.1": "clients.faults.dropout=1.1",
    "clients.faults.dropout=NaN": "clients.faults.dropout=nan",
    "clients.faults.partitions=[[5, 1, 0.5]]": "partition 5.0..1.0",
    "clients.availability.mean_on=0": "clients.availability.mean_on=0",
    "clients.availability.period=0": "clients.availability.period=0",
    "clients.stragglers.factor=Infinity": "clients.stragglers.factor=inf",
    "clients.load.slowdown=0": "clients.load.slowdown=0",
    "guard.norm_ratio=NaN": "guard.norm_ratio=nan: input should be a finite number",
    "schedule.deadline=NaN": "schedule.deadline=nan",
    "evaluation.every_seconds=0": "evaluation.every_seconds=0",
    'clients.devices={"pi4b": 0}': "clients.devices.pi4b=0",
}
MEANINGS = {
    'clients.devices={"pi5": 1}': "device 'pi5' is unknown, so its speed is too; did you mean 'pi4b'?",
    "clients.devices={}": "shares of device {}",
    "clients.devices.pi5=1": "did you mean 'pi4b'?",
    'clients.structures={"pi4b": "big"}': "clients.structures.pi4b='big' is no structure of the task",
    'clients.structures={"pi9": "big"}': "clients.structures names 'pi9'",
    'data.modalities=["smell"]': "modality 'smell' must be one of image",
    "data.modalities=[]": "clients have nothing to learn from",
    'data.modalities=["image", "image"]': "one or more different names",
    "clients.masks.rate=0": "clients.masks.rate=0: input should be greater than 0",
    "clients.masks=none": "clients.masks.kind='none'",
    "schedule.buffer=5": "buffer=5 must lie in 1..concurrency=4, or the server never merges",
    "schedule.concurrency=0": "buffer=2 must lie in 1..concurrency=0",
    "schedule.tiers=7": "7 tiers of 6 clients",
    "clients.count=3000": "there are 1438, so some shards would be empty",
    "data.per_client=2000": "per_client=2000 must be at most the 1438 samples",
    "data.test_share=0": "or there is nothing to learn from or to measure by",
    "data.partition=given": "needs a client column",
    "data.partition=domain": "needs domains",
    "data.name=parquet": "a path is needed by data.name=parquet",
    "data.path=somewhere": "data.name=digits",
    "data.name=mnits5k": "data.name='mnits5k'",
    "task.kind=caption": "needs texts to learn",
    "method.name=fedavgg": "did you mean fedavg?",
    "method=xyz": "known are fedavg, fedprox",
    "method.options.pwer=1": "method.options.pwer is no option of fedbuff, so nothing was started; did you mean power?",
    "method.options.power=-1": "method.options: power=-1 must be 0 or above",
    "evaluation.metrics=[]": "evaluation.metrics=[]",
    'evaluation.metrics=["acuracy"]': "metric 'acuracy' is unknown",
    'evaluation.metrics=["rouge_lsum"]': "samples have no texts",
    "evaluation.target=loss": "evaluation.target='loss' must be one of",
    "clients.availability=trace": "a trace must be .csv, .parquet or .json",
    "clients.availability.joins.99=1": "names client 99, which must lie in 0..5",
    "clients.availability.leaves.0=0": "client 0 joins at 0.0 s and leaves at 0.0 s",
    "clock=wall": "clock=wall takes real arrivals",
    "seeds=[1, 1]": "seeds=[1, 1] must differ",
    'variants={"a b": {}, "a-b": {}}': "variants 'a b' and 'a-b' would both write a-b-s0",
    'variants={"a": {"seeds": [1]}}': "variants.a.seeds cannot be set",
    'variants={"": {}}': "must all have a name",
    "nothing": "--set 'nothing' is not of the form key=value",
    "=3": "--set '=3' is not of the form key=value",
}
MISTAKES = {**UNKNOWN, **TYPES, **NUMBERS, **MEANINGS}


@pytest.mark.parametrize("setting", MISTAKES)
def test_a_wrong_setting_is_refused_in_one_line_before_anything_starts(small: Mlecs, setting: str) -> None:
    assert_refused(small("--set", setting), MISTAKES[setting])


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (["smok"], "'smok' is no scenario, so nothing was started; did you mean smoke?"),
        (["qqq"], "there are stamps, stragglers"),
        (["smoke", "--variant", "fast"], "--variant 'fast' is no variant of smoke, which has none"),
        (["stragglers", "--variant", "sync"], "synchronous, buffered, asynchronous"),
        (["stragglers", "--method", "fedprox"], "method.name is set by each variant of stragglers"),
        (["stragglers", "--set", "method=mma"], "method.name is set by each variant of stragglers"),
        (["stragglers", "--set", 'method={"name": "mma"}'], "method.name is set by each variant"),
        (["smoke", "--set", "schedule.buffer=3", "--set", "schedule={}"], "would undo it; name schedule first"),
        (["smoke", "--set", "method.options.lr=1", "--set", "method=fedbuff"], "would undo it; name method first"),
        (["smoke", "--set", "--local"], "--set '--local' is not of the form"),
    ],
)
def test_a_wrong_run_is_refused_in_one_line(mlecs: Mlecs, options: list[str], words: str) -> None:
    assert_refused(mlecs("run", *options), words)


def test_a_device_with_less_memory_than_the_smallest_model_is_refused(small: Mlecs) -> None:
    """3072 x 3072 float32 weights and as many gradients take 75 MB; the gateway has less than the layers in all."""
    said = small("--set", 'clients.devices={"gateway": 1}', "--set", "task.hidden=[6000,6000]")
    assert_refused(said, "GB, device gateway of client", "give it a smaller structure, or it can never train")


@pytest.mark.parametrize(
    ("command", "words"),
    [
        (["resume", "nowhere"], "nowhere is no run folder"),
        (["resume", "latest"], "there is no run below ./runs yet"),
        (["report", "nowhere"], "nowhere is no run folder"),
        (["report"], "there is no run below ./runs yet"),
        (["compare", "nowhere"], "nowhere is no run folder"),
        (["fetch", "stmps"], "asset 'stmps' is not in the catalogue"),
        (["fetch", "--archive", "x.whl"], "needs exactly one asset name"),
    ],
)
def test_a_command_about_what_is_not_there_is_refused(mlecs: Mlecs, command: list[str], words: str) -> None:
    assert_refused(mlecs(*command), words)


@pytest.mark.parametrize(
    "command",
    [[], ["rnu"], ["run"], ["run", "smoke", "--seed", "x"], ["run", "smoke", "--fast"], ["data"], ["data", "check"]],
)
def test_a_wrong_usage_shows_the_usage_and_ends_with_2(mlecs: Mlecs, command: list[str]) -> None:
    said = mlecs(*command)
    assert said.code == 2
    assert "Usage: mlecs" in said.err + said.out
    assert "Traceback" not in said.err


def test_help_is_no_mistake(mlecs: Mlecs) -> None:
    assert mlecs("--help").code == 0
    assert "--method" in mlecs("run", "--help").out


def test_every_key_is_listed(mlecs: Mlecs) -> None:
    keys = mlecs("keys").out.split()
    assert {"seconds", "clients.devices.*", "clients.availability.mean_on", "schedule.buffer"} <= set(keys)


def test_a_folder_that_is_not_empty_is_left_alone(mlecs: Mlecs, tmp_path: Path) -> None:
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "thesis.txt").write_text("all of it")
    assert_refused(mlecs("run", "smoke", "--local", "--out", "mine"), "mine is not empty, so nothing was started")
    assert (tmp_path / "mine" / "thesis.txt").read_text() == "all of it"


@pytest.mark.parametrize("out", ["file", "file/run"])
def test_a_run_cannot_be_written_into_a_file(mlecs: Mlecs, tmp_path: Path, out: str) -> None:
    (tmp_path / "file").write_text("")
    assert_refused(mlecs("run", "smoke", "--local", "--out", out), "file is a file, so no run can be written")


def test_a_run_prints_what_came_of_it_and_where_it_is(small: Mlecs, tmp_path: Path) -> None:
    said = small()
    outcome = json.loads((tmp_path / "run" / "outcome.json").read_text())
    assert said.code == 0
    assert f"events {outcome['events_digest'][:16]} state {outcome['state_digest'][:16]}" in said.out
    assert "report: run/report.html" in said.out
    assert (tmp_path / "run" / "report.html").is_file()


def test_one_run_is_nothing_to_compare(small: Mlecs, mlecs: Mlecs) -> None:
    small()
    said = mlecs("compare", "run")
    assert said.code == 2
    assert said.err == "error: 1 run given; a comparison needs at least 2, or there is nothing to compare\n"


def test_runs_go_to_numbered_folders_and_latest_finds_the_last(mlecs: Mlecs) -> None:
    for number in ("001", "002"):
        said = mlecs("run", "smoke", "--local", *sets({**SMALL, "merges": "2"}))
        assert f"report: runs/smoke-{number}/report.html" in said.out
    assert "report: runs/smoke-002/report.html" in mlecs("report").out


def test_runs_are_compared_by_what_they_set_and_what_came_of_it(mlecs: Mlecs, tmp_path: Path) -> None:
    for out, method in (("a", "fedavg"), ("b", "mma")):
        mlecs("run", "smoke", "--local", "--out", out, "--method", method, *sets({**SMALL, "merges": "2"}))
    said = mlecs("compare", "a", "b")
    assert "method.name" in said.out
    assert "final accuracy" in said.out
    assert (tmp_path / "compare.html").is_file()


def test_the_seed_option_takes_the_place_of_a_studys_seeds(mlecs: Mlecs) -> None:
    settings = sets({**SMALL, "merges": "2", "seeds": "[1,2]"})
    mlecs("run", "smoke", "--local", "--out", "run", *settings, "--seed", "7")
    assert json.loads(Path("run/scenario.json").read_text())["seed"] == 7


def test_a_mistake_ends_the_real_process_with_2_and_one_line(tmp_path: Path) -> None:
    command = [sys.executable, "-c", "from scenarios.cli import main; main()", "run", "smok"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == "error: 'smok' is no scenario, so nothing was started; did you mean smoke?\n"
