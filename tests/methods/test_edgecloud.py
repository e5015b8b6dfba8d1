"""What travels between edge and cloud, what stays, and what each path changes."""

from dataclasses import replace

import pytest
import torch

from mlecs_ray.errors import InputError
from mlecs_ray.method import Arrival
from mlecs_ray.methods.baselines import CreamFL, FediLoRA, FedMLLM, MultiFedAvg, Standalone
from mlecs_ray.methods.coplms import CoPLMs
from mlecs_ray.methods.edgecloud import EdgeCloud
from mlecs_ray.methods.exchange import Parts
from mlecs_ray.methods.lowrank import RULES
from mlecs_ray.methods.mixing import Mixing
from mlecs_ray.methods.mlecs.system import MLECS
from mlecs_ray.tree import leaves, tree_bytes, tree_digest, tree_map
from tests.methods.fleet import BASE, CLOUD, SMALL, Round, samples, system, task
from tests.models import tiny

METHODS = {
    "mlecs": MLECS(),
    "standalone": Standalone(),
    "multifedavg": MultiFedAvg(),
    "fedilora": FediLoRA(),
    "fedmllm": FedMLLM(mu=0.1),
    "creamfl": CreamFL(),
    "coplms": CoPLMs(),
}


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    return task(tmp_path_factory.mktemp("slm"))


def begun(made, kind=None, **options) -> Round:
    return Round.of(system(made, (kind or MLECS(**options)).parts()))


def moved(first, second) -> float:
    """The largest difference of any leaf."""
    pairs = zip(leaves(first), leaves(second), strict=True)
    return max(float((a.float() - b.float()).abs().max()) for (_, a), (_, b) in pairs)


def mean_change(first, second) -> float:
    """Of all numbers together."""
    pairs = zip(leaves(first), leaves(second), strict=True)
    return float(torch.cat([(b.float() - a.float()).flatten() for (_, a), (_, b) in pairs]).mean())


def cloud_after(made, upload=None, **options):
    """The cloud's LLM after one job, with or without something uploaded before."""
    now = begun(made, **options)
    if upload is not None:
        update = now.train(SMALL)
        now.merge(SMALL, upload(update))
    return now.train(CLOUD).tree["cloud"]


def only(name, update):
    """The same update, but for one of its trees what the server has already: that path is cut."""
    spare = {"lora": tree_map(torch.zeros_like, update.tree["lora"]), "fused": torch.zeros_like(update.tree["fused"])}
    return type(update)({**spare, name: update.tree[name]}, update.weight)


def test_only_adapters_and_fused_representations_travel(made):
    now = begun(made)
    sent, update = now.method.assign(now.state, SMALL), now.train(SMALL)
    assert {path.split("/")[0] for path, _ in leaves(sent)} == {"lora", "anchors"}
    assert {path.split("/")[0] for path, _ in leaves(update.tree)} == {"lora", "fused"}
    assert {leaf.dtype for _, leaf in (*leaves(sent), *leaves(update.tree))} == {torch.float16}


@pytest.mark.parametrize("name", METHODS)
@pytest.mark.parametrize("client", [BASE, SMALL, CLOUD], ids=["base", "small", "cloud"])
def test_what_comes_back_is_what_was_promised(made, name, client):
    """Paths, shapes, types, and so the bytes that the clock charges."""
    now = begun(made, METHODS[name])
    work = now.method.work(client, now.method.assign(now.state, client))
    update = now.train(client)
    promised = {path: (leaf.shape, leaf.dtype) for path, leaf in leaves(work.upload)}
    assert {path: (leaf.shape, leaf.dtype) for path, leaf in leaves(update.tree)} == promised
    assert work.upload_bytes == tree_bytes(update.tree)
    assert work.flops > 0


def test_anchors_go_down_and_enter_the_loss(made):
    """Other anchors, another client; and none at all where contrast is cut."""
    first = begun(made).train(SMALL)
    anchors = torch.randn_like(begun(made).state["anchors"]).half()
    other = begun(made).train(SMALL, anchors=anchors)
    assert first.metrics["public_loss"] != other.metrics["public_loss"]
    assert moved(first.kept, other.kept) > 1e-4
    cut, cut_too = (
        begun(made, without=("ccl",)).train(SMALL),
        begun(made, without=("ccl",)).train(SMALL, anchors=anchors),
    )
    assert tree_digest(cut.kept) == tree_digest(cut_too.kept)


@pytest.mark.parametrize("path", ["lora", "fused"])
def test_what_clients_upload_changes_the_clouds_llm(made, path):
    alone, taught = cloud_after(made), cloud_after(made, lambda update: only(path, update))
    assert moved(alone, taught) > 1e-5


@pytest.mark.parametrize("path", ["lora", "fused"])
def test_without_seccl_no_upload_reaches_the_clouds_llm(made, path):
    alone = cloud_after(made, without=("seccl",))
    assert moved(alone, cloud_after(made, lambda update: only(path, update), without=("seccl",))) == 0.0


def test_the_clouds_job_gives_new_anchors(made):
    now = begun(made)
    before = now.state["anchors"]
    now.merge(CLOUD, now.train(CLOUD))
    assert float((now.state["anchors"] - before).abs().max()) > 1e-4
    assert torch.equal(now.method.assign(now.state, SMALL)["anchors"], now.state["anchors"].half())


def test_the_merged_adapters_reach_the_next_client(made):
    now = begun(made)
    now.merge(SMALL, now.train(SMALL))
    changed = {m for m, one in now.state["lora"].items() if float(one["B"].abs().max()) > 0}
    assert changed == set(now.method.assign(now.state, SMALL)["lora"])
    sent = now.method.assign(now.state, BASE)["lora"]
    assert changed < set(sent)
    assert any(float(sent[module]["B"].abs().max()) > 0 for module in changed)


def test_other_adapters_sent_down_change_the_client(made):
    usual, now = begun(made).train(SMALL), begun(made)
    sent = tree_map(lambda leaf: leaf + 0.25, now.method.assign(now.state, SMALL)["lora"])
    assert moved(usual.kept["encoders"], now.train(SMALL, lora=sent).kept["encoders"]) > 1e-4


def test_captions_are_anchors_in_one_space_whatever_a_device_speaks(made, tmp_path):
    """Word vectors of another language model, though of the same tokens, are another space; so the cloud's count."""
    torch.manual_seed(5)
    other = tiny.slm(3)
    with torch.no_grad():
        other.model.get_input_embeddings().weight.normal_()
    strange = replace(made.structures[1], slm=tiny.folder(tmp_path, other))
    mixed = replace(made, structures=(made.structures[0], strange, made.structures[2]))
    texts = samples().texts
    assert not torch.allclose(mixed.words(texts, SMALL), mixed.words(texts, CLOUD), atol=0.1)
    assert torch.equal(system(mixed, MLECS().parts()).said(texts), system(made, MLECS().parts()).said(texts))


def test_the_private_part_stays_and_is_used_again(made):
    now = begun(made)
    first = now.train(SMALL).kept
    assert {"encoders", "projections", "pooling", "prompt", "lora", "log_tau"} == set(first)
    second = now.train(SMALL).kept
    assert moved(first["encoders"], second["encoders"]) > 0
    assert first["lora"]["layers.0.self_attn.q_proj"]["A"].shape[0] == 1


def test_a_sense_that_fails_keeps_what_it_had_learned_until_it_returns(made):
    now, deaf = begun(made), type(BASE)(**{**BASE.__dict__, "modalities": frozenset({"image"})})
    whole = now.train(BASE).kept
    without = now.train(deaf).kept
    assert torch.equal(
        without["encoders"]["speech"]["6"]["0"]["weight"], whole["encoders"]["speech"]["6"]["0"]["weight"]
    )
    assert moved(without["encoders"]["image"], whole["encoders"]["image"]) > 0
    assert moved(now.train(BASE).kept["encoders"]["speech"], whole["encoders"]["speech"]) > 0


def test_a_first_job_may_sense_less_than_a_later_one(made):
    now, deaf = begun(made), type(BASE)(**{**BASE.__dict__, "modalities": frozenset({"image"})})
    assert "speech" not in now.train(deaf).kept["encoders"]
    assert "speech" in now.train(BASE).kept["encoders"]


def test_without_amt_private_samples_move_the_adapters_alone(made):
    """The public stage is the same, so what differs is what the private one did."""
    tuned, untuned = begun(made).train(SMALL), begun(made, without=("amt",)).train(SMALL)
    assert tree_digest(tuned.tree) == tree_digest(untuned.tree)
    assert moved(tuned.kept["encoders"], untuned.kept["encoders"]) > 0
    assert moved(untuned.kept["lora"], untuned.tree["lora"]) > 0


def uploads(made, name, jobs=1):
    """What SMALL sends after so many jobs, with its private samples and with others."""
    for seed in (5, 6):
        now = begun(made, METHODS[name])
        for _ in range(jobs):
            update = now.train(SMALL, private=samples(4, seed=seed))
        yield update.tree["lora"]


@pytest.mark.parametrize("name", ["multifedavg", "fedilora", "fedmllm"])
def test_what_private_samples_teach_is_averaged_where_clients_are(made, name):
    assert moved(*uploads(made, name)) > 1e-3


@pytest.mark.parametrize("name", ["mlecs", "coplms"])
def test_systems_send_the_adapters_of_the_public_stage(made, name):
    """Co-PLMs' proxy never sees private samples; nor does what ML-ECS sends first, before it is their pupil."""
    assert moved(*uploads(made, name)) == 0.0


def test_what_stays_of_private_samples_takes_part_in_the_next_upload(made):
    """By ``pull``; where what is sent replaces all, only what the connector has become is left of them."""
    assert moved(*uploads(made, "mlecs", jobs=2)) > 1e-3


@pytest.mark.parametrize("way", ["down", "up"])
def test_creamfl_reaches_the_other_side_by_representations(made, way):
    now, cut = begun(made, CreamFL()), begun(made, CreamFL())
    if way == "down":
        other = torch.randn_like(now.state["anchors"]).half()
        assert moved(now.train(SMALL).kept, cut.train(SMALL, anchors=other).kept) > 1e-4
        return
    now.merge(SMALL, now.train(SMALL))
    assert moved(now.train(CLOUD).tree["cloud"], cut.train(CLOUD).tree["cloud"]) > 1e-5


def test_a_sample_that_a_client_cannot_sense_has_no_representation_and_changes_no_mean(made):
    """SMALL hears; the second public sample is silent."""
    now = begun(made)
    update = now.train(SMALL)
    assert update.tree["fused"].eq(0).all(-1).tolist() == [False, True, False, False, False, False]
    now.merge(SMALL, update)
    assert now.state["fused"].eq(0).all(-1).tolist() == [False, True, False, False, False, False]
    now.merge(BASE, now.train(BASE))
    assert not now.state["fused"].eq(0).all(-1).any()


def test_representations_are_averaged_as_directions(made):
    """Memory 0.8: a client heard second moves the mean by a fifth of its unit vector."""
    now = begun(made)
    update = now.train(BASE)
    now.merge(BASE, update)
    first = now.state["fused"]
    other = type(update)({**update.tree, "fused": 3 * torch.ones_like(update.tree["fused"])}, 1.0)
    now.merge(BASE, other)
    expected = 0.8 * first + 0.2 / 256**0.5
    torch.testing.assert_close(now.state["fused"], expected, atol=1e-3, rtol=0)


@pytest.mark.parametrize("rule", list(RULES))
def test_clients_of_unequal_rank_depth_and_fusion_merge_by_every_rule(made, rule):
    now = begun(made, rule=rule)
    for _ in range(2):
        updates = [(client, now.train(client)) for client in (BASE, SMALL)]
        now.state = now.method.merge(now.state, [Arrival(client, update, 0) for client, update in updates])
        now.merge(CLOUD, now.train(CLOUD))
    assert all(leaf.isfinite().all() for _, leaf in leaves(now.state))
    answers = now.method.predictor(now.method.assign(now.state, SMALL), now.kept[SMALL.id], SMALL)(
        samples().only(["speech"])
    )
    assert len(answers) == 6


def test_flora_sends_everything_and_adds_what_was_learned_on_top(made):
    now = begun(made, rule="flora")
    module = "layers.0.self_attn.q_proj"
    update = now.train(BASE)
    now.merge(BASE, update)
    stacked = now.state["lora"][module]
    own = tree_map(torch.Tensor.float, update.tree["lora"][module])
    torch.testing.assert_close(stacked["B"] @ stacked["A"], own["B"] @ own["A"])
    assert len(now.method.assign(now.state, SMALL)["lora"][module]["A"]) == 2
    assert len(now.train(SMALL).kept["lora"][module]["A"]) == 2 + 1


def test_mixing_by_modalities_by_hand(made):
    """BASE has two senses and SMALL one: ``(2 B_1 + B_2) / 3`` in the rank that both have."""
    now = begun(made)
    first, second = now.train(BASE), now.train(SMALL)
    merged = now.method.merge(now.state, [Arrival(BASE, first, 0), Arrival(SMALL, second, 0)])
    b1, b2 = (one.tree["lora"]["layers.0.self_attn.q_proj"]["B"].float()[:, 0] for one in (first, second))
    torch.testing.assert_close(merged["lora"]["layers.0.self_attn.q_proj"]["B"][:, 0], (2 * b1 + b2) / 3)


def test_a_late_upload_moves_the_server_less(made):
    """Three merges late halves its share."""
    now = begun(made)
    update = now.train(SMALL)
    fresh, late = (now.method.merge(now.state, [Arrival(SMALL, update, tau)])["lora"] for tau in (0, 3))
    module = "layers.0.self_attn.q_proj"
    torch.testing.assert_close(late[module]["B"], fresh[module]["B"] / 2)


def test_alone_nothing_travels_and_everyone_learns(made):
    now = begun(made, Standalone())
    assert now.method.assign(now.state, SMALL) == {}
    update = now.train(SMALL)
    assert update.tree == {}
    assert float(update.kept["lora"]["layers.0.self_attn.q_proj"]["B"].abs().max()) > 0
    before = now.state["cloud"]
    now.merge(CLOUD, now.train(CLOUD))
    assert moved(before, now.state["cloud"]) > 0


@pytest.mark.parametrize("name", ["multifedavg", "fedilora", "fedmllm"])
def test_baselines_without_a_cloud_model_send_adapters_alone(made, name):
    now = begun(made, METHODS[name])
    assert not now.method.cloud_trains
    assert set(now.method.assign(now.state, SMALL)) == set(now.train(SMALL).tree) == {"lora"}


@pytest.mark.parametrize("name", METHODS)
def test_the_same_job_gives_the_same_bytes(made, name):
    first, second = (begun(made, METHODS[name]).train(BASE) for _ in range(2))
    assert tree_digest(first.tree) == tree_digest(second.tree)
    assert tree_digest(first.kept) == tree_digest(second.kept)


@pytest.mark.parametrize("name", METHODS)
def test_everyone_answers(made, name):
    """A newcomer, a client with what it kept, the cloud, and the server's own receiver where there is one."""
    now = begun(made, METHODS[name])
    method = now.method
    now.train(BASE)
    askers = [(BASE, {}), (BASE, now.kept[BASE.id])]
    if method.cloud_trains:
        askers.append((CLOUD, {}))
    askers += [(method.receiver, {})] if method.whole_structures else []
    for client, kept in askers:
        answers = method.predictor(method.assign(now.state, client), kept, client)(samples())
        assert len(answers) == 6


def test_a_clients_own_answers_come_from_what_it_kept(made):
    now = begun(made)
    now.train(BASE)
    kept = now.kept[BASE.id]
    model = now.method.model(now.method.assign(now.state, BASE), kept, BASE)
    assert tree_digest({"lora": model["lora"]}) == tree_digest({"lora": kept["lora"]})


def test_too_few_public_samples_are_refused(made):
    whole = system(made, Parts())
    with pytest.raises(InputError, match=r"data\.public_share leaves 1 public samples"):
        EdgeCloud(made, whole.local, samples().take([0]), CLOUD, 0, Parts())


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"without": ("cll",)}, "without='cll' must be one of"),
        ({"weighting": "size"}, "weighting='size' must be one of"),
        ({"rule": "svd"}, "rule='svd' must be one of"),
        ({"rate": 0.0}, "rate=0.0 must lie in"),
        ({"ccl": 0.0}, "weight=0.0 of CCL must be above 0"),
    ],
)
def test_options_that_make_no_method_are_refused(options, message):
    with pytest.raises(InputError, match=message):
        MLECS(**options).parts()


def test_memory_of_representations_is_a_share(made):
    with pytest.raises(InputError, match=r"memory=1\.0 must lie in"):
        system(made, Parts(memory=1.0, mixing=Mixing()))


def test_the_first_anchors_are_what_public_captions_say(made):
    """Beyond what all of them say: names of classes have much in common, and are to be told apart."""
    words = made.words(samples().texts, CLOUD)
    said = words - words.mean(0)
    assert torch.equal(begun(made).state["anchors"], said)
    assert not torch.equal(begun(made, words=False).state["anchors"], said)


def test_what_a_device_reads_in_its_own_captions_is_measured_from_the_same_middle(made):
    method, texts = begun(made).method, ("the hat", "a")
    apart = made.words(texts, CLOUD) - method.said(texts)
    torch.testing.assert_close(apart[0], made.words(samples().texts, CLOUD).mean(0))
    torch.testing.assert_close(apart[1], apart[0])


@pytest.mark.parametrize("pull", [0.0, 0.25, 1.0])
def test_a_device_goes_a_part_of_the_way_to_the_adapters_it_is_sent(made, pull):
    """What it has is raised by 1: what it starts from, and so what it sends, moves by the part that stays its own."""
    usual, moved_away = begun(made, pull=pull), begun(made, pull=pull)
    for now in (usual, moved_away):
        now.train(SMALL)
    kept = moved_away.kept[SMALL.id]
    moved_away.kept[SMALL.id] = {**kept, "lora": tree_map(lambda leaf: leaf + 1.0, kept["lora"])}
    change = mean_change(usual.train(SMALL).tree["lora"], moved_away.train(SMALL).tree["lora"])
    assert change == pytest.approx(1.0 - pull, abs=0.1)


@pytest.mark.parametrize("options", [{"without": ("amt",)}, {"rule": "flexlora"}, {"rule": "flora"}])
def test_what_is_sent_replaces_what_a_device_has_without_amt_and_where_factors_lose_their_places(made, options):
    now, other = begun(made, **options), begun(made, **options)
    now.train(SMALL), other.train(SMALL)
    kept = other.kept[SMALL.id]
    other.kept[SMALL.id] = {**kept, "lora": tree_map(lambda leaf: leaf + 1.0, kept["lora"])}
    assert tree_digest(now.train(SMALL).tree["lora"]) == tree_digest(other.train(SMALL).tree["lora"])


@pytest.mark.parametrize("pull", [-0.1, 1.1, float("nan")])
def test_pull_is_a_share(made, pull):
    with pytest.raises(InputError, match=r"pull=.* must lie in \[0, 1\]"):
        begun(made, pull=pull)


def test_private_samples_are_held_against_their_own_captions(made):
    """What is shared stays as it is; what the device keeps does not, unless captions say nothing."""
    held, free, mute = begun(made), begun(made, own=0.0), begun(made, words=False)
    updates = [now.train(BASE) for now in (held, free)]
    assert tree_digest(updates[0].tree) == tree_digest(updates[1].tree)
    assert moved(updates[0].kept["fusion"], updates[1].kept["fusion"]) > 1e-4
    mute_free = begun(made, own=0.0, words=False)
    assert tree_digest(mute.train(BASE).kept["fusion"]) == tree_digest(mute_free.train(BASE).kept["fusion"])
