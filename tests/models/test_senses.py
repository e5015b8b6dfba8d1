"""From senses to one representation, with noise for one client and for many."""

import torch

from mlecs_ray.models.senses import Senses, noisy, noisy_each
from mlecs_ray.samples import Samples
from tests.methods.fleet import BASE, SMALL, samples, task


def test_a_view_is_what_a_sample_would_be_had_it_this_sense_alone(tmp_path):
    made = task(tmp_path)
    for client in (BASE, SMALL):
        params = made.part(made.init(0), client)
        batch = samples().only(client.modalities)
        fused, views, present = made.views(params, batch, client)
        torch.testing.assert_close(fused, made.fused(params, batch, client))
        for place, sense in enumerate(m for m, _ in made.dims if m in client.modalities):
            alone = made.fused(params, batch.only([sense]), client)
            there = batch.present[sense]
            torch.testing.assert_close(views[:, place][there], alone[there])
            assert views[:, place][~there].eq(0).all()
            assert present[:, place].tolist() == there.tolist()


def test_pooling_reads_a_sense_the_same_whoever_else_is_there(tmp_path):
    """Two senses that are there: half of each alone, the vectors of absence apart."""
    made = task(tmp_path)
    params = made.init(0)
    senses = Senses("4", "pooling", ("image", "speech"))
    batch = samples().take([2, 3])
    both = senses.fused(params, batch)
    each = [senses.fused(params, batch.only([m])) for m in ("image", "speech")]
    torch.testing.assert_close(both, (each[0] + each[1]) / 2)


def test_noise_drops_features_and_keeps_their_mean():
    batch = Samples({"a": torch.ones(1, 10000)})
    found = noisy(batch, 0.25).inputs["a"]
    assert abs(float(found.eq(0).float().mean()) - 0.25) < 0.03
    assert abs(float(found.mean()) - 1) < 0.05
    assert noisy(batch, 0.0) is batch


def test_many_clients_draw_what_each_would_draw_alone():
    batch = Samples({"a": torch.ones(4, 6), "b": torch.ones(4, 3)})
    real = torch.tensor([[True, True], [True, False]])
    found = noisy_each(batch, 0.5, real, [torch.Generator().manual_seed(seed) for seed in (1, 2)])
    for rows, seed in (([0, 1], 1), ([2], 2)):
        torch.manual_seed(seed)
        alone = noisy(batch.take(rows), 0.5)
        for sense in ("a", "b"):
            assert torch.equal(found.inputs[sense][rows], alone.inputs[sense])
