"""Who waits for whom, as values that runs differ in."""

from scenarios.reproduce.cells import Changes

SYNCHRONOUS = "synchronous"


def called(barrier: bool, buffer: int) -> str:
    """As tables name it."""
    if barrier:
        return SYNCHRONOUS
    return "asynchronous" if buffer == 1 else f"buffers of {buffer}"


def schedule(barrier: bool, buffer: int, concurrency: int) -> Changes:
    """As changes of a scenario."""
    return {"schedule.barrier": barrier, "schedule.buffer": buffer, "schedule.concurrency": concurrency}
