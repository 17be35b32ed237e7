"""The page in a real browser: someone writes, looks into a token, branches, searches; with the mouse, and by keyboard.

With `MINILM_SCREENSHOTS=FOLDER` each test leaves a picture of the page.
"""

import os
import shutil
from contextlib import ExitStack
from pathlib import Path

import pytest

from minilm import serve

pytestmark = [pytest.mark.network, pytest.mark.slow]  # not in every run, as the other test with a browser
playwright = pytest.importorskip("playwright.sync_api")
CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
QUIET = ["--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--no-first-run"]
PATIENCE = 120_000  # milliseconds: kernels may have to be compiled first


@pytest.fixture(scope="module")
def browser():
    if not CHROMIUM:
        pytest.skip("no Chromium is installed")
    with playwright.sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=CHROMIUM, args=QUIET)
        yield browser
        browser.close()


@pytest.fixture
def open_page(browser, request):
    """open_page(served, scheme=..., **server): the page; afterwards nothing was fetched from elsewhere, and no error is
    there."""
    pages = []
    with ExitStack() as stack:

        def opened(served, scheme="light", **settings):
            address = stack.enter_context(serve.running(served, **settings))
            page = browser.new_page(viewport={"width": 1100, "height": 900}, color_scheme=scheme)
            stack.callback(page.close)
            page.set_default_timeout(PATIENCE)
            errors, asked = [], []
            page.on("pageerror", lambda error: errors.append(str(error)))
            page.on("request", lambda request: asked.append(request.url))
            page.goto(address)
            playwright.expect(page.locator("#model")).to_have_text("" if "key" in settings else "toy", timeout=PATIENCE)
            pages.append((page, address, errors, asked))
            return page

        yield opened
        for page, address, errors, asked in pages:
            if folder := os.environ.get("MINILM_SCREENSHOTS"):
                page.screenshot(path=Path(folder) / f"{request.node.name}.png", full_page=True)
            assert errors == []
            assert [url for url in asked if not url.startswith((address, "data:"))] == []


def wait_until_done(page):
    playwright.expect(page.locator("#status")).to_have_text("done", timeout=PATIENCE)


def send(page, text, tokens=40):
    page.fill("#max_tokens", str(tokens))
    page.fill("#seed", "3")
    page.fill("#text", text)
    page.press("#text", "Enter")
    wait_until_done(page)


def written(page):
    """The texts of the tokens of the last answer."""
    return page.locator(".turn").last.locator(".token").all_text_contents()


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_someone_talks_and_looks_into_an_answer(open_page, toy, scheme):
    page = open_page(toy, scheme)
    send(page, "To be?")
    first = written(page)
    assert len(first) == 40
    dark = page.evaluate("() => getComputedStyle(document.body).backgroundColor")
    assert (max(map(int, dark.strip("rgb()").split(","))) < 64) == (scheme == "dark")

    page.locator(".token").nth(7).click()
    bars = page.locator("#bars button")
    assert bars.count() == 10
    assert page.locator("#bars [aria-current=true]").count() <= 1
    other = page.locator("#bars [aria-current=false]").nth(1)
    name = other.locator("code").inner_text()
    other.click()
    wait_until_done(page)
    assert written(page)[:7] == first[:7]
    assert len(written(page)) == 48  # what was kept, the other token, and 40 more
    assert written(page)[7].replace(" ", "␣").replace("\n", "⏎") == ("" if name.startswith("bytes:") else name)

    page.get_by_label("branch 1").click()
    assert written(page) == first

    page.click("#search button")
    page.wait_for_selector("#tree svg")
    assert page.locator("#tree .best text").count() == 8
    assert page.locator("#found li").count() == 3
    page.click("#look button")
    page.wait_for_selector("#seen span")
    assert "Most at" in page.locator("#most").inner_text()


def test_all_of_it_works_by_keyboard(open_page, toy):
    page = open_page(toy)
    page.focus("#text")
    page.keyboard.type("To be?")
    page.keyboard.press("Enter")
    wait_until_done(page)
    page.keyboard.press("Shift+Tab")  # from the text to the answer before it
    page.keyboard.press("ArrowRight")
    page.keyboard.press("ArrowRight")
    assert page.locator(".token[aria-pressed=true]").count() == 1
    page.keyboard.press("Enter")  # to the alternatives
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Escape")  # and back
    assert page.evaluate("() => document.activeElement.className") == "token"
    page.keyboard.press("Enter")
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Enter")
    wait_until_done(page)
    assert page.get_by_label("branch 2").get_attribute("aria-pressed") == "true"


def writing_for_long(page):
    """The page, in the middle of an answer that would take minutes."""
    page.fill("#max_tokens", "4000")
    page.fill("#text", "To be?")
    page.press("#text", "Enter")
    page.wait_for_selector(".token")
    return page


def test_a_long_answer_can_be_stopped(open_page, toy):
    page = writing_for_long(open_page(toy))
    page.click("#stop")
    playwright.expect(page.locator("#status")).to_have_text("stopped")
    assert 0 < len(written(page)) < 4000


def test_what_is_begun_ends_what_went_before(open_page, toy):
    page = writing_for_long(open_page(toy))
    page.click("#search button")
    page.wait_for_selector("#tree svg")
    wait_until_done(page)
    assert page.locator("#stop").is_hidden()
    assert 0 < len(written(page)) < 4000


def test_an_empty_message_is_not_sent(open_page, toy):
    page = open_page(toy)
    send(page, "To be?", 5)
    page.press("#text", "Enter")
    assert page.locator(".turn").count() == 2


def test_a_model_that_knows_no_conversation_goes_on_with_the_text(open_page, toy):
    page = open_page(toy._replace(chat=None))
    send(page, "To be", 12)
    before = written(page)
    send(page, " or not", 12)
    assert page.locator(".turn").count() == 4
    assert before != written(page)


def test_the_key_is_asked_for(open_page, toy):
    page = open_page(toy, key="secret")
    page.fill("#key", "secret")
    page.press("#key", "Tab")
    playwright.expect(page.locator("#model")).to_have_text("toy")
    send(page, "To be?", 5)
    assert len(written(page)) == 5


def test_what_is_refused_is_told_and_the_text_kept(open_page, toy):
    page = open_page(toy, limits=serve.Limits(prompt=3))
    page.fill("#text", "To be, or not to be?")
    page.press("#text", "Enter")
    playwright.expect(page.locator("#status")).to_contain_text("expected 1 to 3, this server's limit")
    assert page.input_value("#text") == "To be, or not to be?"
    assert page.locator(".turn").count() == 0
