"""A Ray Serve instance of our own, from its start to its end."""

import logging
import os
from contextlib import suppress
from types import TracebackType
from typing import Any, Self

import ray
from ray import serve as ray_serve
from ray.exceptions import RayError
from ray.serve.exceptions import RayServeException

from mlecs_ray.errors import InputError
from serve.deployments import build
from serve.settings import Settings

NAME = "mlecs"
OBJECT_STORE_BYTES = 256 * 2**20
LOAD_SECONDS = 600.0
"""In which a version's models must have been loaded: the first time, language models are unpacked."""


class Running:
    """Starts Ray, Serve and the application; ends what it started, answers under way first."""

    def __init__(self, settings: Settings, host: str, port: int) -> None:
        self._settings, self._host, self._port = settings, host, port
        self._own = not ray.is_initialized()
        self._gateway: Any = None

    def __enter__(self) -> Self:
        os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
        if self._own:
            ray.init(
                include_dashboard=False,
                object_store_memory=OBJECT_STORE_BYTES,
                logging_level=logging.ERROR,
                log_to_driver=False,
            )
        logging.getLogger("ray.serve").setLevel(logging.WARNING)
        try:
            ray_serve.start(http_options={"host": self._host, "port": self._port})
            self._gateway = self._run()
        except BaseException:
            self._end()
            raise
        return self

    def _run(self) -> Any:
        try:
            return ray_serve.run(build(self._settings), name=NAME)
        except RuntimeError as error:
            told = ray_serve.status().applications.get(NAME)
            why = told.message if told else str(error)
            raise InputError(f"Ray Serve could not start the models, so nothing is served: {why}") from error

    def attempt(self, version: str) -> None:
        """Put a version of the store on trial. Raises InputError where it cannot be loaded."""
        refused: str | None = self._gateway.attempt.remote(version).result(timeout_s=LOAD_SECONDS)
        if refused is not None:
            raise InputError(f"version {version} was not put on trial: {refused}")

    def on_trial(self) -> str | None:
        """The version that is on trial."""
        found: str | None = self._gateway.on_trial.remote().result(timeout_s=60)
        return found

    def check(self) -> None:
        """Raise InputError where Serve is gone."""
        try:
            ray_serve.status()
        except (RayError, RuntimeError, ConnectionError) as error:
            raise InputError(f"Ray Serve is gone ({type(error).__name__}), so nothing is served any more") from error

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._end()

    def _end(self) -> None:
        if not self._own:
            ray_serve.shutdown()  # type: ignore[no-untyped-call]  # Ray's
            return
        # The runtime goes with it, controller and all: to end the controller by itself makes Ray complain of it.
        with suppress(RayError, RayServeException, TimeoutError):
            ray_serve.delete(NAME)
        ray.shutdown()
