"""Who waits for whom has a name."""

from scenarios.reproduce.schedules import called, schedule


def test_a_schedule_is_called_after_who_is_merged_together() -> None:
    assert [called(True, 25), called(False, 5), called(False, 1)] == ["synchronous", "buffers of 5", "asynchronous"]


def test_it_changes_three_keys() -> None:
    assert schedule(False, 5, 25) == {
        "schedule.barrier": False,
        "schedule.buffer": 5,
        "schedule.concurrency": 25,
    }
