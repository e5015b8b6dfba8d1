"""`mlecs serve`: from a run to HTTP endpoints, and after it while it goes on."""

import os
import time
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path
from typing import Any

from pydantic import ValidationError
from rich.console import Console
from rich.table import Table

from mlecs_ray.errors import InputError
from mlecs_ray.run.artifact import FACTS, Card, folder_of
from mlecs_ray.run.bundle import STORE, Bundle, adopt
from mlecs_ray.scenario.deal import deal
from mlecs_ray.scenario.overrides import parse
from mlecs_ray.serving import calibration
from mlecs_ray.serving.holdout import calibrate
from serve.settings import Settings, check_host

GALLERY, LOG = "gallery", "requests.jsonl"
"""Below a run's folder, and below its store."""
LOOK_SECONDS = 2.0
"""So often ``--watch`` looks for a newer version."""


@dataclass(frozen=True)
class Wanted:
    """What the command line asked for."""

    run: Path
    edge: tuple[str, ...]
    cloud: str | None
    policy: str
    cloud_share: float
    watch: bool
    options: dict[str, Any]

    @property
    def artifact(self) -> Path:
        """Where the run leaves its models."""
        return self.run / "artifact"


def options_of(pairs: Sequence[str] | None, key_file: Path | None) -> dict[str, Any]:
    """``key=value`` for any of ``Settings`` that the command line has no option for. Raises InputError for others."""
    own = set(Settings.model_fields) - {"store", "version", "gallery", "edge", "cloud", "policy", "key_file"}
    found = dict(parse(pair) for pair in pairs or ())
    for key in found:
        if key not in own:
            near = get_close_matches(key, own, 1) or sorted(own)
            raise InputError(f"--set {key} is no setting of a server, so nothing was started; did you mean {near[0]}?")
    return found | ({"key_file": str(key_file.resolve())} if key_file else {})


def prepare(wanted: Wanted, console: Console) -> Settings:
    """Take the run's newest models into its store, with their thresholds. Raises InputError where there are none."""
    if wanted.watch:
        _await_first(wanted, console)
    bundle = take(wanted, console)
    told = {
        "store": str((wanted.run / STORE).resolve()),
        "version": bundle.version,
        "gallery": str((wanted.run / GALLERY).resolve()),
        "edge": wanted.edge,
        "cloud": wanted.cloud,
        "policy": wanted.policy,
        "started": uuid.uuid4().hex,
        "log_file": str((wanted.run / STORE / LOG).resolve()),
    }
    return settings_of({**told, **wanted.options})


def settings_of(told: Mapping[str, Any]) -> Settings:
    """Raises InputError for a value that cannot be."""
    try:
        return Settings.model_validate(told)
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"])
        raise InputError(f"{where}={first['input']!r}: {first['msg']}, so nothing was started") from error


def _await_first(wanted: Wanted, console: Console) -> None:
    if not wanted.run.is_dir():
        raise InputError(f"{wanted.run} is no run folder, so there is nothing to wait for")
    if not (wanted.artifact / FACTS).is_file():
        console.print(f"waiting for the first checkpoint of {wanted.run}; Ctrl-C ends it", soft_wrap=True)
    while not (wanted.artifact / FACTS).is_file():
        time.sleep(LOOK_SECONDS)


def take(wanted: Wanted, console: Console) -> Bundle:
    """The newest version, in the store and calibrated."""
    if not (wanted.artifact / FACTS).is_file():
        raise InputError(
            f"{wanted.run} has no artifact: a run leaves one at its checkpoints and when it has ended, so there is "
            "nothing to serve yet; --watch waits for it, and of a study name one of the folders in it"
        )
    bundle = adopt(wanted.artifact, wanted.run / STORE)
    bundle.check_own()
    models = fitted(bundle, wanted.edge)
    known = calibration.read(bundle.folder)
    above = _above(bundle, wanted)
    told = None if above is None else (wanted.cloud_share, above.name)
    if above is not None and any(n not in known or (known[n].share, known[n].cloud) != told for n in models):
        with console.status(f"fitting thresholds of {', '.join(models)} on held-out rows; the first time, minutes"):
            _fit(bundle, models, wanted.cloud_share, above, console)
        _redraw(wanted.run, console)
    return bundle


def _fit(bundle: Bundle, models: Mapping[str, str], share: float, above: Card, console: Console) -> None:
    try:
        test = deal(bundle.scenario)[0].test
        found = calibrate(bundle, list(models.values()), share, test, above)
    except (InputError, ValueError) as error:
        # Weights that give no numbers are refused by the fit, and by the trial afterwards.
        console.print(f"no thresholds, so the edge answers all that it can: {error}", soft_wrap=True, markup=False)
        return
    told = {name: found[model] for name, model in models.items()}
    calibration.save({**calibration.read(bundle.folder), **told}, bundle.folder)


def _redraw(run: Path, console: Console) -> None:
    """The report of a run that has ended shows its thresholds; one that goes on has its report yet to come."""
    if not (run / "report.html").is_file():
        return
    # What draws it takes a second to import.
    from mlecs_ray.report.write import write_report

    try:
        write_report(run)
    except InputError as error:
        console.print(f"the report does not show the thresholds: {error}", soft_wrap=True, markup=False)


def _above(bundle: Bundle, wanted: Wanted) -> Card | None:
    """The model that answers as the cloud in a cascade; None where there is no cascade.

    Raises InputError for a name that the run has no model of.
    """
    if bundle.scenario.task.kind != "caption" or wanted.cloud == "none":
        return None
    above = bundle.cloud if wanted.cloud is None else bundle.card(wanted.cloud)
    others = [card for card in bundle.cards.values() if card.side == "edge" and card is not above]
    return above if others else None


def fitted(bundle: Bundle, chosen: Sequence[str]) -> dict[str, str]:
    """What gets a threshold, and by whose answers: the edge models that were chosen; else the server's whole ones, and
    each other kind by its client with most samples, and of these one that senses most.

    Raises InputError for a name that the run has no model of.
    """
    if chosen:
        return {bundle.card(name).name: name for name in chosen}
    edges = [card for card in bundle.cards.values() if card.side == "edge"]
    found = {card.name: card.name for card in edges if card.client is None}
    for card in sorted(edges, key=lambda card: (-card.samples, -len(card.modalities))):
        found.setdefault(folder_of(card.structure), card.name)
    return found


def show(bundle: Bundle, settings: Settings, host: str, port: int, console: Console) -> None:
    """What is served, and how to ask."""
    table = Table(title=f"{bundle.scenario.name}, version {bundle.version}")
    for column in ("model", "side", "senses", "device", "samples"):
        table.add_column(column)
    served = [c for c in bundle.cards.values() if c.side == "cloud" or not settings.edge or c.name in settings.edge]
    for card in served[:8]:
        table.add_row(card.name, card.side, ", ".join(card.modalities), card.device, str(card.samples or ""))
    console.print(table)
    if len(served) > 8:
        console.print(f"and {len(served) - 8} more clients' models; GET /v1/models has all")
    shown = f"[{host}]" if ":" in host else host
    console.print(f"ready: http://{shown}:{port}/ (page), http://{shown}:{port}/v1 (OpenAI's base_url); Ctrl-C ends it")


def serve(wanted: Wanted, host: str, port: int, local: bool, console: Console) -> None:
    """Serve until Ctrl-C. Raises InputError for what cannot be served, before anything starts."""
    check_host(host, wanted.options.get("key_file"))
    check_port(host, port)
    os.environ.setdefault("HF_HUB_OFFLINE", "1")
    settings = prepare(wanted, console)
    if local and wanted.watch:
        raise InputError("--watch needs Ray Serve, so with --local nothing was started: leave one of them out")
    if local:
        from serve.local import run

        run(settings, host, port, lambda: _announce(settings, host, port, console))
        return
    from serve.running import Running

    with Running(settings, host, port) as running:
        _announce(settings, host, port, console)
        try:
            _follow(wanted, running, settings.version, console)
        except KeyboardInterrupt:
            console.print("draining: answers under way have a minute to end, nobody new is let in")


def _announce(settings: Settings, host: str, port: int, console: Console) -> None:
    from mlecs_ray.run.bundle import read_bundle

    show(read_bundle(Path(settings.store) / settings.version), settings, host, port, console)


class Follower:
    """Rolls in every newer version of a run, one after another: a trial is judged before the next begins."""

    def __init__(self, wanted: Wanted, running: Any, served: str, console: Console) -> None:
        self._wanted, self._running, self._served, self._console = wanted, running, served, console
        self._seen: tuple[int, ...] = ()

    def look(self) -> None:
        """Put a newer version on trial, if there is one. What goes wrong is said, and the server goes on."""
        try:
            file = (self._wanted.artifact / FACTS).stat()
            stamp = (file.st_mtime_ns, file.st_size, file.st_ino)
            # To take an artifact over reads all of it, so it is done once for each.
            if stamp == self._seen or self._running.on_trial() is not None:
                return
            self._try(take(self._wanted, self._console).version)
            self._seen = stamp
        except Exception as error:
            line = str(error).splitlines()[0] if str(error) else type(error).__name__
            if line != self._complaint:
                self._console.print(f"a newer version was not rolled in: {line}", soft_wrap=True, markup=False)
            self._complaint = line

    _complaint = ""
    """Said once, and not every few seconds."""

    def _try(self, version: str) -> None:
        if version == self._served:
            return
        self._running.attempt(version)
        self._served = version
        self._console.print(f"version {version} is on trial; GET /v1/versions tells how it does")


def _follow(wanted: Wanted, running: Any, served: str, console: Console) -> None:
    """Until Ctrl-C; with ``--watch`` newer versions are rolled in."""
    follower = Follower(wanted, running, served, console)
    while True:
        time.sleep(LOOK_SECONDS)
        running.check()
        if wanted.watch:
            follower.look()


def check_port(host: str, port: int) -> None:
    """Raise InputError where someone else listens: Ray Serve would say so after a minute only."""
    import socket

    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError as error:
            raise InputError(
                f"--host {host} --port {port} cannot be listened on ({error.strerror}), so nothing was started: choose "
                "another port"
            ) from error
