"""What every shipped method keeps: the protocol, purity, and the promise of its upload."""

import pytest

from mlecs_ray.method import Job, Method
from mlecs_ray.methods.fedasync import FedAsync
from mlecs_ray.methods.fedat import FedAT
from mlecs_ray.methods.fedbuff import FedBuff
from mlecs_ray.methods.fedopt import FedOpt
from mlecs_ray.methods.fedprox import FedProx
from mlecs_ray.methods.mlecs.mma import MMA
from mlecs_ray.tree import leaves, tree_digest
from tests.methods.toy import arrival, client, fedavg, points

METHODS = [
    fedavg(),
    FedProx(fedavg(), 0.1),
    FedOpt(FedProx(fedavg(), 0.1), "yogi"),
    FedAsync(fedavg()),
    FedBuff(MMA(fedavg())),
    FedAT(fedavg(), 1),
    MMA(fedavg()),
]


@pytest.fixture(params=METHODS, ids=lambda method: type(method).__name__)
def method(request) -> Method:
    return request.param


def trained(method: Method, state):
    job = Job(client(), 0, 1, method.assign(state, client()))
    return job, method.train(job, points([1.0, 2.0], [5.0, 1.0]), {})


def test_what_comes_back_has_the_promised_shapes(method):
    job, update = trained(method, method.init(0))
    promised = method.work(job.client, job.tree).upload
    assert [(p, x.shape, x.dtype) for p, x in leaves(update.tree)] == [
        (p, x.shape, x.dtype) for p, x in leaves(promised)
    ]


def test_a_job_gives_the_same_bytes_when_it_is_run_again(method):
    (_, first), (_, again) = (trained(method, method.init(0)) for _ in range(2))
    assert tree_digest(first.tree) == tree_digest(again.tree)


def test_merge_is_pure_and_moves_the_model(method):
    state = method.init(0)
    _, update = trained(method, state)
    late = arrival(update.tree, staleness=2)
    before = tree_digest(state), tree_digest(update.tree)
    merged = [tree_digest(method.merge(state, [late, late])) for _ in range(2)]
    assert (tree_digest(state), tree_digest(update.tree)) == before
    assert merged[0] == merged[1] != before[0]


def test_the_predictor_takes_what_a_client_is_sent(method):
    tree = method.assign(method.init(0), client())
    assert method.predictor(tree, {}, client())(points([1.0], [0.0])) == [0.0]
