"""What jobs take, and what had been moved by then."""

import pandas as pd

from scenarios.reproduce.effort import Effort, effort, spent


def jobs(*rows: tuple[float, int, int, float, float, float]) -> pd.DataFrame:
    """Finish, bytes down and up, and seconds down, at work and up."""
    columns = ("finish", "download_bytes", "upload_bytes", "download_seconds", "compute_seconds", "upload_seconds")
    return pd.DataFrame(rows, columns=list(columns))


NONE = jobs()
TWO = jobs((5.0, 100, 50, 1.0, 2.0, 3.0), (9.0, 300, 50, 2.0, 4.0, 5.0))


def test_means_are_over_the_jobs() -> None:
    assert effort(TWO, NONE) == Effort(1.5, 3.0, 4.0, 200.0)


def test_what_questions_take_is_that_of_the_jobs_but_no_model_is_sent_with_them() -> None:
    asked = jobs((4.0, 20, 10, 0.5, 1.0, 0.5))
    made = effort(TWO, asked)
    assert made == Effort(1.75, 3.5, 4.25, 200.0)
    assert made.seconds == 9.5


def test_where_nothing_is_sent_no_time_is_lost() -> None:
    """An empty message would take its latency."""
    assert effort(jobs((5.0, 0, 0, 0.03, 2.0, 0.03)), NONE) == Effort(0.0, 2.0, 0.0, 0.0)


def test_where_no_job_arrived_there_is_none() -> None:
    assert effort(NONE, NONE) is None


def test_bytes_count_from_the_moment_a_job_has_ended() -> None:
    assert spent(TWO, [0.0, 5.0, 8.9, 9.0]) == [0.0, 150.0, 150.0, 500.0]
