"""The report file: offline, escaped, and there even when there is nothing to show."""

import re
from pathlib import Path

import plotly.offline
import pytest

from mlecs_ray.errors import InputError
from mlecs_ray.report.cascade import STORE
from mlecs_ray.report.tables import markdown, summary
from mlecs_ray.report.write import compare, labels, write_report
from mlecs_ray.run.records import MetricRow, Recorder, Study, StudyRun, read_run, write_manifest, write_study
from mlecs_ray.serving.calibration import fit, save
from tests.report.synthetic import write_run, write_seeds


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_run(tmp_path_factory.mktemp("run") / "big", variant="buffered")


@pytest.fixture(scope="module")
def study(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_seeds(tmp_path_factory.mktemp("study"))


def own_part(report: Path) -> str:
    """The page without plotly.js."""
    html = report.read_text()
    library = plotly.offline.get_plotlyjs()
    assert html.count(library) == 1
    return html.replace(library, "")


def empty(folder: Path, **manifest: object) -> Path:
    Recorder().write(folder)
    write_manifest(folder, manifest)
    return folder


def test_a_report_is_one_file_below_8_mb_with_every_section(run: Path) -> None:
    report = write_report(run)
    html = own_part(report)
    assert report == run / "report.html"
    assert report.stat().st_size < 8e6
    for title in (
        "accuracy",
        "Staleness of merged jobs",
        "Staleness over virtual time",
        "Participation",
        "Lost jobs, by reason",
        "Timeline of clients",
        "accuracy of each client",
        "Bytes, by modality",
        "Radio energy, by modality",
        "Energy, by device",
        "Job duration, by device",
    ):
        assert f"<h3>{title}</h3>" in html


def test_a_report_asks_nothing_of_the_network(run: Path) -> None:
    html = own_part(write_report(run))
    assert not re.search(r"""(?:src|href)\s*=|https?://|@import|url\(""", html)
    assert "default-src 'none'" in html


def test_a_timeline_shows_at_most_sixty_clients(run: Path) -> None:
    assert "60 of 100 clients" in own_part(write_report(run))


def test_a_run_without_anything_says_so(tmp_path: Path) -> None:
    html = write_report(empty(tmp_path)).read_text()
    for sentence in ("No evaluation was recorded.", "No update was merged.", "No job was recorded."):
        assert sentence in html


def test_names_that_users_give_are_escaped(tmp_path: Path) -> None:
    evil = "<img src=x>&</script>"
    recorder = Recorder()
    recorder.metric(MetricRow(1.0, 1, "global", evil, evil, 0.5, 1))
    recorder.write(tmp_path)
    write_manifest(tmp_path, {"name": evil, "variant": evil, "scenario": {evil: evil}})
    html = own_part(write_report(tmp_path))
    assert "<img" not in html
    assert "&lt;img src=x&gt;&amp;&lt;/script&gt;" in html
    assert html.count("</script>") == html.count("<script")


def test_where_thresholds_were_fitted_the_curve_of_the_edge_is_drawn_with_its_table(tmp_path: Path) -> None:
    run, evil = write_run(tmp_path / "run", clients=4), "<b>edge</b>"
    assert "Edge or cloud" not in own_part(write_report(run))
    scores = [-float(i) for i in range(20)]
    (run / STORE).mkdir()
    save({evil: fit(scores, [1.0] * 20, None, 0.3, "accuracy")}, run / STORE / "20-0123abcd")
    html = own_part(write_report(run))
    assert "<h2>Edge or cloud</h2>" in html
    assert "<th>to the cloud</th>" in html
    assert "<td>&lt;b&gt;edge&lt;/b&gt;, chosen</td>" in html
    assert "<b>" not in html


def test_a_study_report_tells_the_time_to_the_reference(study: Path) -> None:
    html = own_part(write_report(study))
    assert "Time to the final accuracy of synchronous" in html
    assert "<td>asynchronous</td><td>3 of 3</td>" in html


def test_a_study_in_progress_reports_what_is_there(tmp_path: Path) -> None:
    write_run(tmp_path / "a-s0", 0, "a", clients=4)
    write_study(Study(tmp_path, "x", (StudyRun("a", 0, "a-s0"), StudyRun("b", 0, "b-s0")), "accuracy", True))
    assert "Study of 2 variants, 1 of 2 runs" in own_part(write_report(tmp_path))


def test_a_study_of_which_nothing_was_run_is_refused(tmp_path: Path) -> None:
    write_study(Study(tmp_path, "x", (StudyRun("a", 0, "a-s0"),), "accuracy", True))
    with pytest.raises(InputError, match="none of its 1 runs has records yet"):
        write_report(tmp_path)


def test_a_comparison_takes_runs_and_studies(run: Path, study: Path, tmp_path: Path) -> None:
    html = own_part(compare([run, study], tmp_path / "new" / "compare.html")[1])
    assert "10 runs" in html
    assert "<th>synchronous, seed 2</th>" in html
    assert "buffered, seed 0 (big)" in html


def test_one_run_is_nothing_to_compare(run: Path, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="1 run given; a comparison needs at least 2"):
        compare([run], tmp_path / "compare.html")


def test_runs_that_look_alike_get_different_labels(tmp_path: Path) -> None:
    alike = [read_run(empty(tmp_path / place / "s0", name="x", seed=0)) for place in "ab"]
    assert labels(alike) == ["x, seed 0 (s0) (1)", "x, seed 0 (s0) (2)"]


def test_a_run_is_summed_up_in_rows(run: Path) -> None:
    table = summary(run)[0]
    rows = dict(table.rows)
    assert rows["clients"] == "100"
    assert set(rows) >= {"final accuracy", "virtual time", "merges", "lost jobs", "downloaded", "energy"}


def test_a_study_is_markdown_with_a_row_per_variant(study: Path) -> None:
    text = markdown(summary(study)[:1]).splitlines()
    assert text[0] == "**Time to the final accuracy of synchronous**"
    assert text[2] == "| variant | reached by | virtual time to it | speed-up | final accuracy |"
    assert text[3] == "|---|---:|---:|---:|---:|"
    assert [line.split(" | ")[0] for line in text[4:]] == ["| synchronous", "| buffered", "| asynchronous"]


def test_runs_of_another_version_have_a_summary_a_report_and_a_comparison(tmp_path: Path) -> None:
    """What environments and machines were told as, then."""
    data = {"partition": "environments", "environments": {"shifts": 3, "period": 1.0, "later": True}}
    for name, environments in (("later", data["environments"]), ("before", {"times": 3})):
        scenario = {"data": {**data, "environments": environments}, "clients": {"count": 2}}
        empty(tmp_path / name, seed=0, scenario=scenario, environment=None)
        assert summary(tmp_path / name)
        assert write_report(tmp_path / name).is_file()
    assert compare([tmp_path / "later", tmp_path / "before"], tmp_path / "both.html")[1].is_file()
