"""The rows stand in the place of the paper's."""

from scenarios.reproduce.eclm.rows import EXCEPTIONS, METHODS, OWN, ROWS, SHIFTING, SOME


def test_the_paper_s_table_is_whole() -> None:
    """Its headline is the difference of two of its figures: 75.68 - 56.79 = 18.89."""
    assert all(len(row.accuracies) == len(METHODS) for row in ROWS.values())
    hard = dict(zip(METHODS, ROWS["emoji, 20 classes"].accuracies, strict=True))
    assert round(hard["eclm"] - hard["noadaptation"], 2) == 18.89


def test_its_mean_gains_are_those_that_it_tells() -> None:
    """+9.06 points over the on-device baselines, +11.07 over the others (arXiv 2311.11083, abstract)."""
    by = [dict(zip(METHODS, row.accuracies, strict=True)) for row in ROWS.values()]
    told = {("localadaptation", "adaptivenet"): 9.06, ("fedavg", "heterofl"): 11.07}
    for names, gain in told.items():
        mean = sum(one["eclm"] - sum(one[name] for name in names) / 2 for one in by) / len(by)
        assert abs(mean - gain) < 0.01, (names, mean)


def test_shifting_rows_have_the_paper_s_gains_and_times() -> None:
    """Over local adaptation, 100 steps (arXiv 2311.11083): points, and per cent less time."""
    told = [(one.gain, one.shorter) for one in SHIFTING.values()]
    assert told == [(1.68, 0.145), (4.33, 0.455), (4.72, 0.635), (6.81, 0.753)]


def test_what_is_picked_is_a_row() -> None:
    assert {*SOME, *SHIFTING, *(row for row, _ in EXCEPTIONS)} <= set(ROWS)
    assert {*OWN, *(name for _, name in EXCEPTIONS)} <= set(METHODS)
