import base64
import re
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from threading import Event

import numpy as np
import pytest
from playwright.sync_api import Browser, Page, expect, sync_playwright

from serve.desk import Desk
from serve.keyfile import add, issue
from serve.models import Refusal
from tests.serve.browser import ARGUMENTS, CHROMIUM, CONTRAST, Visit, visited
from tests.serve.fakes import fake_app, fake_desk, write_artifact
from tests.serve.sent import photo

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not Path(CHROMIUM).is_file(), reason=f"no {CHROMIUM}: apt-get install chromium"),
]
FULL = Refusal("full", "16 answers run and 16 wait, all that may")
RED, GREEN, BLUE, PINK = (230, 20, 20), (20, 230, 20), (20, 20, 230), (230, 90, 90)


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        yield playwright.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS)


@pytest.fixture
def visit(browser: Browser, desk: Desk) -> Iterator[Visit]:
    with visited(browser, fake_app(desk)) as visit:
        yield visit


@pytest.fixture
def page(visit: Visit) -> Page:
    return visit.page


def picture(name: str = "red.png", colour: tuple[int, ...] = RED, side: int = 20) -> dict[str, object]:
    """A file as Playwright has a person choose it."""
    pixels = np.broadcast_to(np.array(colour, np.uint8), (side, side, len(colour)))
    return {"name": name, "mimeType": "image/png", "buffer": photo(pixels=pixels)}


def choose(page: Page, *files: dict[str, object], view: str = "chat") -> None:
    page.locator(f"#{view}-tools").get_by_label("Picture").set_input_files(list(files))
    expect(page.locator(f"#{view}-tray img")).to_be_visible()


def ask(page: Page, words: str = "What is it?", model: str = "edge") -> None:
    page.get_by_label("Model", exact=True).select_option(model)
    page.get_by_label("Message").fill(words)
    page.get_by_label("Message").press("Enter")


def enrol(page: Page, *files: dict[str, object], gallery: str = "things") -> None:
    page.get_by_role("link", name="Search").click()
    page.get_by_label("Name of the new gallery").fill(gallery)
    page.locator("#enrol-files").set_input_files(list(files))
    page.get_by_role("button", name=f"Enrol {len(files)}").click()
    expect(page.locator("#enrol-said")).to_have_text(re.compile(f"{len(files)} of {len(files)} pictures? enrolled"))


def test_words_appear_as_they_come(page: Page, desk: Desk) -> None:
    desk.edge.gate = Event()
    choose(page, picture())
    ask(page)
    expect(page.locator(".theirs .said")).to_have_text("A ")
    desk.edge.gate.set()
    expect(page.locator(".theirs .said")).to_have_text("A red square.")
    assert desk.edge.asked[0].samples.modalities == {"image"}


def test_an_answer_tells_who_gave_it_and_why(page: Page) -> None:
    choose(page, picture())
    ask(page, model="auto")
    told = page.locator(".told")
    expect(told.locator(".side")).to_have_text("edge")
    expect(told.locator("code")).to_have_text("edge@6-0123abcd")
    expect(told.locator(".why")).to_have_text("score -0.500 >= -1.500")
    expect(told.locator(".sure")).to_have_text("Confidence 0.700, asks the cloud below 0.400 (score -0.500 of -1.500)")
    for fact in ("Sensedimage", "Maskedspeech_fr, speech_ru", "Between edge and cloud0 B", "Tokens4 in, 3 out"):
        expect(told.locator(".facts > div", has_text=fact)).to_have_count(1)


def test_an_edge_that_is_down_is_told_as_a_warning(page: Page, desk: Desk) -> None:
    desk.edge.refuses = FULL
    choose(page, picture())
    ask(page, model="auto")
    expect(page.locator(".told .warn")).to_have_text(f"Degraded: the edge could not answer: {FULL.message}")
    expect(page.locator(".told .side")).to_have_text("cloud")


def test_the_policy_and_the_earlier_words_are_sent_along(page: Page, desk: Desk) -> None:
    ask(page, words="One.", model="auto")
    expect(page.locator(".told")).to_have_count(1)
    page.get_by_label("Who answers").select_option("cloud")
    page.get_by_label("Longest wait for the cloud").fill("0.5")
    page.get_by_label("Send the earlier words along").check()
    with page.expect_request("**/v1/chat/completions") as sent:
        ask(page, words="Two.", model="auto")
    assert sent.value.post_data_json["mlecs"] == {"policy": "cloud", "max_latency_seconds": 0.5}
    expect(page.locator(".why").last).to_have_text("policy cloud")
    assert [turn.text for turn in desk.cloud.asked[1].turns] == ["One.", "The cloud's.", "Two."]


def test_stop_ends_the_answer_here_and_in_the_server(page: Page, desk: Desk) -> None:
    desk.cloud.endless = True
    ask(page, model="cloud")
    expect(page.locator(".theirs .said")).to_have_text("The cloud's.")
    page.get_by_role("button", name="Stop").click()
    expect(page.locator(".theirs")).to_contain_text("Stopped.")
    expect(page.get_by_label("Message")).to_be_focused()
    assert desk.cloud.freed.wait(10)


def test_markup_in_an_answer_or_a_file_name_stays_text(page: Page, desk: Desk) -> None:
    markup = "<b>bold</b><img src=x onerror=alert(1)>"
    desk.edge.pieces = (markup,)
    choose(page, picture(f"{markup}.png"))
    expect(page.locator("#chat-tray .name")).to_have_text(f"{markup}.png")
    ask(page, words=markup)
    expect(page.locator(".said")).to_have_text([markup, markup])
    assert page.locator("main b").count() == 0


def test_a_fault_in_the_middle_of_an_answer_is_told_below_it(page: Page, desk: Desk) -> None:
    desk.edge.breaks = Refusal("failed", "edge@6-0123abcd failed while it answered; its log says why")
    ask(page)
    expect(page.locator(".theirs .said")).to_have_text("A red square.")
    expect(page.get_by_role("alert")).to_contain_text(desk.edge.breaks.message)


def test_a_full_server_says_when_to_come_back(visit: Visit, desk: Desk) -> None:
    visit.expected.add(503)
    desk.edge.refuses = FULL
    ask(visit.page)
    expect(visit.page.get_by_role("alert")).to_contain_text(FULL.message)
    expect(visit.page.get_by_role("alert")).to_contain_text("The server asks to come back in 1 s.")
    desk.edge.refuses = None
    visit.page.get_by_role("button", name="Ask again", exact=True).click()
    expect(visit.page.locator(".theirs .said")).to_have_text("A red square.")


def test_pictures_are_sent_small_and_on_white(page: Page, desk: Desk) -> None:
    choose(page, picture(colour=(0, 0, 0, 0), side=3000))
    ask(page)
    expect(page.locator(".told")).to_be_visible()
    assert page.locator(".mine img").evaluate("image => image.naturalWidth") == 1024
    # Of white, 1 and what the fake adds.
    assert desk.edge.asked[0].samples.inputs["image"].tolist() == [pytest.approx([1.01] * 3)]


def test_files_can_be_dropped(page: Page) -> None:
    made = """raw => {
        const files = new DataTransfer();
        const bytes = Uint8Array.from(atob(raw), letter => letter.charCodeAt(0));
        files.items.add(new File([bytes], "dropped.png", { type: "image/png" }));
        return files;
    }"""
    files = page.evaluate_handle(made, base64.b64encode(photo()).decode())
    page.dispatch_event("#log", "drop", {"dataTransfer": files})
    expect(page.locator("#chat-tray .name")).to_have_text("dropped.png")


def test_a_recording_is_sent_as_wav_for_the_first_modality_of_speech(page: Page, desk: Desk) -> None:
    page.locator("#chat-tools").get_by_role("button", name="Record").click()
    page.get_by_role("button", name="Stop recording (1 s)").click()
    expect(page.get_by_label("Modality of recording")).to_have_value("speech_fr")
    page.get_by_role("button", name="Send").click()
    expect(page.locator(".told")).to_contain_text("speech_fr")
    (part,) = desk.encoding.parts
    raw = base64.b64decode(part.content)
    assert (part.format, part.modality, raw[:4], raw[8:16]) == ("wav", "speech_fr", b"RIFF", b"WAVEfmt ")


def test_a_recording_says_by_its_name_which_modality_it_is(page: Page) -> None:
    sound = {"name": "crow_desc_ru.ogg", "mimeType": "audio/ogg", "buffer": b"OggS"}
    page.locator("#chat-tools").get_by_label("Sound").set_input_files([sound])
    expect(page.locator("#chat-tray select")).to_have_value("speech_ru")


def test_a_classifier_shows_its_classes_as_bars(browser: Browser, tmp_path: Path) -> None:
    with visited(browser, fake_app(fake_desk(tmp_path, words=False))) as visit:
        page, numbers = visit.page, visit.page.locator("#chat").get_by_label("Numbers as JSON")
        expect(page.get_by_label("Message")).to_be_hidden()
        numbers.fill("[1, 2")
        page.get_by_role("button", name="Classify").click()
        expect(page.get_by_role("alert")).to_have_text("pixels: write a list of numbers as JSON, like [0.1, 0.2].")
        numbers.fill("[1, 2, 3]")
        page.get_by_role("button", name="Classify").click()
        expect(page.locator(".theirs .said")).to_have_text("7")
        expect(page.locator(".bars li")).to_have_text(["70.800", "10.150", "90.050"])
        widths = page.locator(".bars .fill").evaluate_all("bars => bars.map(bar => bar.style.width)")
        assert widths == ["80%", "15%", "5%"]


def test_enrolled_pictures_are_found_the_most_alike_first(page: Page) -> None:
    enrol(page, picture("blue.png", BLUE), picture("red.png", RED), picture("green.png", GREEN))
    choose(page, picture("pink.png", PINK), view="search")
    page.get_by_role("button", name="Search").click()
    expect(page.locator(".hit strong")).to_have_text(["red.png", "blue.png", "green.png"])
    expect(page.locator(".hit img").first).to_have_attribute("src", re.compile("^data:image/jpeg;base64,"))
    scores = [float(score) for score in page.locator(".hit .score").all_text_contents()]
    assert scores == sorted(scores, reverse=True)
    page.get_by_role("button", name="Delete red.png").click()
    expect(page.locator(".hit strong")).to_have_text(["blue.png", "green.png"])
    expect(page.locator("#gallery-facts")).to_contain_text("2 entries")


def test_a_gallery_is_searched_by_words(page: Page) -> None:
    enrol(page, picture("blue.png", BLUE), picture("green.png", GREEN))
    page.get_by_label("Words to search for").fill("something green")
    page.get_by_label("Words to search for").press("Enter")
    expect(page.locator(".hit strong").first).to_have_text("green.png")


def test_many_pictures_are_enrolled_in_batches(visit: Visit) -> None:
    enrol(visit.page, *(picture(f"{at}.png", side=2) for at in range(65)))
    assert len([url for url in visit.requests if url.endswith("/v1/gallery/things")]) == 2


def test_a_key_is_asked_for_and_kept_in_this_tab_alone(browser: Browser, desk: Desk, tmp_path: Path) -> None:
    key, presented = issue("anna", datetime.now(UTC))
    add(tmp_path / "keys.jsonl", key)
    with visited(browser, fake_app(desk, tmp_path / "keys.jsonl")) as visit:
        visit.expected |= {401, 403}
        visit.page.get_by_label("Key", exact=True).fill("mlecs-wrong")
        visit.page.get_by_role("button", name="Use this key").click()
        expect(visit.page.get_by_role("dialog")).to_contain_text("does not know this key")
        visit.page.get_by_label("Key", exact=True).fill(presented)
        visit.page.get_by_label("Key", exact=True).press("Enter")
        ask(visit.page)
        expect(visit.page.locator(".theirs .said")).to_have_text("A red square.")
        assert visit.page.evaluate("Object.values(sessionStorage)") == [presented]
        assert visit.page.evaluate("[localStorage.length, document.cookie]") == [0, ""]
        visit.page.get_by_role("link", name="Versions").click()
        visit.page.get_by_role("button", name="Go back").click()
        expect(visit.page.locator("#versions-admin")).to_contain_text("/v1/versions is for keys of the role admin")
        expect(visit.page.get_by_role("button", name="Go back")).to_be_disabled()


def test_a_version_on_trial_is_shown_and_promoted(page: Page, desk: Desk) -> None:
    desk.registry.add(write_artifact(desk.registry.store, 9, True))
    desk.registry.rollout.begin("9-0123abcd")
    page.get_by_role("link", name="Versions").click()
    expect(page.locator("#versions-cards")).to_contain_text("9-0123abcd10% of the traffic")
    expect(page.locator("#tallies tbody tr")).to_have_count(2)
    page.get_by_role("button", name="Promote 9-0123abcd").click()
    expect(page.locator("#versions-cards")).to_contain_text("Answers9-0123abcdall traffic")
    expect(page.locator("#history li").first).to_have_text("9-0123abcd promoted: asked to")


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_a_phone_shows_all_of_it_without_scrolling_sideways(browser: Browser, desk: Desk, scheme: str) -> None:
    desk.edge.pieces = ("word" * 60,)
    with visited(browser, fake_app(desk), width=360) as visit:
        page = visit.page
        page.emulate_media(color_scheme=scheme)
        page.get_by_text("Model: auto").click()
        choose(page, picture("a_long_name_" * 8 + ".png"))
        ask(page, words="word" * 60, model="auto")
        expect(page.locator(".told")).to_be_visible()
        page.get_by_role("link", name="Search").click()
        page.locator("#search summary").first.click()
        enrol(page, picture("a_long_name_" * 8 + ".png"))
        choose(page, picture(), view="search")
        page.get_by_role("button", name="Search").click()
        expect(page.locator(".hit")).to_be_visible()
        for view in ("Chat", "Search", "Versions"):
            page.get_by_role("link", name=view).click()
            assert page.evaluate("document.documentElement.scrollWidth") == 360
            assert page.evaluate(CONTRAST) == []
