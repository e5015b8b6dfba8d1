"""From a scenario to its virtual world."""

import math
from collections.abc import Sequence
from dataclasses import dataclass, field

from mlecs_ray.errors import InputError
from mlecs_ray.scenario.config import AvailabilityConfig, ClientsConfig, LoadConfig, MasksConfig, Scenario
from mlecs_ray.scenario.deal import Hand
from mlecs_ray.scenario.environments import EnvironmentsConfig
from mlecs_ray.seeds import derive
from mlecs_ray.sim.availability import Always, Availability, Both, Diurnal, Markov, Membership
from mlecs_ray.sim.faults import Faults
from mlecs_ray.sim.load import Bursty, CoRunning, Idle, Load, Processes
from mlecs_ray.sim.masks import AllModalities, FixedMasks, Masks, VaryingMasks
from mlecs_ray.sim.population import Stragglers, draw_population
from mlecs_ray.sim.shifts import Shifts
from mlecs_ray.sim.world import World

_ROUNDING = 1e-9


@dataclass(frozen=True)
class HeldMasks:
    """``masks`` cut to what each client's data has: a sensor that left no data teaches nothing."""

    masks: Masks
    held: Sequence[frozenset[str]]
    """By client, never empty."""
    _cut: dict[tuple[frozenset[str], frozenset[str]], frozenset[str]] = field(
        default_factory=dict, init=False, repr=False, compare=False
    )
    """What two sets have in common, once for all clients."""

    def of(self, client: int, seconds: float) -> frozenset[str]:
        """What both have; where that is nothing, what the data has."""
        pair = self.masks.of(client, seconds), self.held[client]
        if pair not in self._cut:
            self._cut[pair] = pair[0] & pair[1] or pair[1]
        return self._cut[pair]


def make_world(scenario: Scenario, hand: Hand, first: str) -> World:
    """The world of the clients that own ``hand``; ``first`` is the structure of devices not named."""
    clients, seed = scenario.clients, scenario.seed
    _check_members(clients)
    structures = {device: clients.structures.get(device, first) for device in clients.devices}
    population = draw_population(clients.count, clients.devices, hand.sizes, structures, derive(seed, "population"))
    slow = Stragglers(clients.stragglers.share, clients.stragglers.factor)
    return World(
        population=population.with_stragglers(slow, derive(seed, "stragglers")),
        masks=HeldMasks(masks_of(scenario, hand.dataset.modalities), hand.held),
        availability=make_availability(clients.availability, derive(seed, "availability")),
        load=make_load(clients.load, derive(seed, "load")),
        faults=make_faults(clients, derive(seed, "faults")),
        shifts=make_shifts(scenario.data.environments, seed),
        jitter=clients.jitter,
        seed=derive(seed, "world"),
    )


def _check_members(clients: ClientsConfig) -> None:
    for key in ("joins", "leaves"):
        for client in getattr(clients.availability, key):
            if not 0 <= client < clients.count:
                raise InputError(
                    f"clients.availability.{key} names client {client}, which must lie in 0..{clients.count - 1}: "
                    "there is no other"
                )


def make_availability(config: AvailabilityConfig, seed: int) -> Availability:
    """When clients can be reached."""
    diurnal = Diurnal(config.period, config.on_share, config.spread, derive(seed, "diurnal"))
    markov = Markov(config.mean_on, config.mean_off, derive(seed, "markov"))
    inner: Availability
    match config.kind:
        case "always":
            inner = Always()
        case "diurnal":
            inner = diurnal
        case "markov":
            inner = markov
        case "diurnal+markov":
            inner = Both(diurnal, markov)
        case "trace":
            # Traces are read by pandas, which takes half a second to import; no other run needs it to start.
            from mlecs_ray.sim.trace import load_trace

            inner = load_trace(config.trace or "")
    return Membership(inner, config.joins, config.leaves) if config.joins or config.leaves else inner


def masks_of(scenario: Scenario, modalities: tuple[str, ...]) -> Masks:
    """Those that a scenario draws, whatever its data holds."""
    return make_masks(scenario.clients.masks, modalities, derive(scenario.seed, "masks"))


def make_masks(config: MasksConfig, modalities: tuple[str, ...], seed: int) -> Masks:
    """Which modalities clients have."""
    match config.kind:
        case "all":
            return AllModalities(modalities)
        case "fixed":
            return FixedMasks(modalities, config.rate, seed)
        case "varying":
            return VaryingMasks(modalities, config.rate, config.period, seed)


def make_load(config: LoadConfig, seed: int) -> Load:
    """What else runs on the devices."""
    match config.kind:
        case "idle":
            return Idle()
        case "bursty":
            return Bursty(config.share, config.slowdown, config.period, seed)
        case "corunning":
            return CoRunning(config.processes)
        case "processes":
            return Processes(config.processes, config.period, seed, config.fewest)


def make_shifts(config: EnvironmentsConfig, seed: int) -> Shifts:
    """When clients' environments shift in a scenario with this ``seed``."""
    return Shifts(config.shifts, config.period, config.spread, derive(seed, "shifts"))


def shifts_missed(scenario: Scenario) -> str | None:
    """Why some shifts will not come before the run ends; None where all may, unless ``merges`` ends it earlier.

    One at its very end is met by nobody: none could adapt, and the last values would be of it.
    """
    config, seconds = scenario.data.environments, scenario.seconds
    periods = seconds / config.period
    # Those that shift early are drawn: hardly any at the very end.
    fewest, most = max(0, math.ceil(periods - _ROUNDING) - 1), math.floor(periods + config.spread)
    if fewest >= config.shifts:
        return None
    most = min(most, config.shifts) if config.spread else fewest
    met = f"{fewest}" if fewest >= most else f"{fewest} to {most}"
    return (
        f"data.environments.shifts={config.shifts}, one every period={config.period:g} s, but seconds={seconds:g} ends "
        f"the run, so a client meets {met} of them before that: a shorter period or more seconds would let all come"
    )


def make_faults(config: ClientsConfig, seed: int) -> Faults:
    """What goes wrong."""
    return Faults(config.faults.dropout, config.faults.upload_loss, config.faults.partitions, seed)
