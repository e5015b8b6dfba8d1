"""A Ray Serve instance of our own, from its start to its end."""

import logging
import os
import signal
import threading
import time
from types import TracebackType
from typing import Any, Self

import ray
from ray import serve as ray_serve
from ray.exceptions import RayError
from ray.serve.exceptions import RayServeException

from mlecs_ray.errors import InputError
from serve import proxies
from serve.deployments import build
from serve.handles import LOAD_SECONDS
from serve.settings import Settings, check_gpus

NAME = "mlecs"
OBJECT_STORE_BYTES = 256 * 2**20
DRAIN_SECONDS = 60.0
"""That answers under way have to end."""
_OUT_SECONDS = 0.5
"""In which an answer's last bytes, once the gateway has given them, leave Serve's proxy."""


class Running:
    """Starts Ray, Serve and the application; ends what it started, answers under way first.

    SIGTERM raises KeyboardInterrupt meanwhile, as Ctrl-C does; a second one, or an error, ends at once.
    """

    def __init__(self, settings: Settings, host: str, port: int) -> None:
        self._settings, self._host, self._port = settings, host, port
        self._own = not ray.is_initialized()
        self._gateway: Any = None
        self._before: Any = None

    def __enter__(self) -> Self:
        os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
        if self._own:
            self._start()
        logging.getLogger("ray.serve").setLevel(logging.WARNING)
        try:
            needed = 2 * self._settings.replicas * self._settings.gpus
            offered = ray.cluster_resources().get("GPU", 0)  # type: ignore[no-untyped-call]  # Ray's
            check_gpus(self._settings, offered, needed)
            ray_serve.start(http_options={"host": self._host, "port": self._port})
            self._gateway = self._run()
        except BaseException:
            self._end()
            raise
        return self

    def _start(self) -> None:
        os.environ.setdefault(proxies.VARIABLE, proxies.IMPORT_PATH)
        self._before = signal.getsignal(signal.SIGTERM) or signal.SIG_DFL
        ray.init(
            include_dashboard=False,
            object_store_memory=OBJECT_STORE_BYTES,
            logging_level=logging.ERROR,
            log_to_driver=False,
        )
        # Ray has taken the signal for itself, and ends with code 1 and nobody answered.
        _on_sigterm(signal.default_int_handler)

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
        try:
            if kind is None:
                self._drain()
        finally:
            self._end()

    def _drain(self) -> None:
        try:
            # The gateway first: what is inside may still have to ask the others.
            whole = self._gateway.drain.remote(DRAIN_SECONDS).result(timeout_s=DRAIN_SECONDS + 5)
            time.sleep(_OUT_SECONDS)
        except (RayError, RayServeException, TimeoutError):
            whole = False
        if not whole:
            logging.getLogger(__name__).warning("answers that took more than %g s were cut off", DRAIN_SECONDS)

    def _end(self) -> None:
        if not self._own:
            ray_serve.shutdown()  # type: ignore[no-untyped-call]  # Ray's
            return
        # Serve goes with the runtime, controller and all: to end the controller by itself makes Ray complain of it.
        ray.shutdown()
        _on_sigterm(self._before)


def _on_sigterm(handler: Any) -> None:
    # Python lets no other thread say what signals do.
    if threading.current_thread() is threading.main_thread():
        signal.signal(signal.SIGTERM, handler)
