"""A reader opens the first notebook in JupyterLab, in a real browser, and runs it; with the mouse, and by keyboard."""

import shutil
import socket
import subprocess
import sys
import time
import urllib.request

import pytest
from reading import FOLDER, quick_environment

pytestmark = [
    pytest.mark.network,
    pytest.mark.slow,
    pytest.mark.skipif(not (FOLDER / "00_start_here.ipynb").exists(), reason="the first notebook is still to come"),
]
CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
QUIET = ["--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--disable-background-networking",
         "--disable-component-update", "--disable-sync", "--no-first-run"]  # fmt: skip
NOTEBOOK = "00_start_here.ipynb"
INDICATOR = ".jp-Notebook-ExecutionIndicator"
KERNEL = "window.jupyterapp.shell.currentWidget.sessionContext.session?.kernel"
CODE = "window.jupyterapp.shell.currentWidget.content.model.toJSON().cells.filter(c => c.cell_type === 'code')"


@pytest.fixture
def lab(tmp_path):
    """The address of a JupyterLab that serves a copy of the notebooks."""
    pytest.importorskip("jupyterlab")
    shutil.copytree(FOLDER, tmp_path / "notebooks")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [sys.executable, "-m", "jupyterlab", "--no-browser", "--allow-root", "--ip=127.0.0.1", f"--port={port}",
               "--IdentityProvider.token=", "--expose-app-in-browser"]  # fmt: skip
    environment = quick_environment(tmp_path) | {"JUPYTER_CONFIG_DIR": str(tmp_path)}
    server = subprocess.Popen(
        command, cwd=tmp_path / "notebooks", env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    try:
        yield _when_up(f"http://127.0.0.1:{port}")
    finally:
        server.terminate()
        server.wait(timeout=20)


def _when_up(address):
    for _ in range(120):
        try:
            urllib.request.urlopen(f"{address}/api", timeout=2)
            return address
        except OSError:
            time.sleep(0.5)
    raise TimeoutError(f"JupyterLab did not answer at {address}")


@pytest.fixture
def page(lab):
    """The notebook, open and idle; afterwards no request may have left the machine."""
    playwright = pytest.importorskip("playwright.sync_api")
    if not CHROMIUM:
        pytest.skip("no Chromium is installed")
    outside = []
    with playwright.sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=CHROMIUM, args=QUIET)
        page = browser.new_page(viewport={"width": 1200, "height": 900})
        page.on("request", lambda request: outside.append(request.url))
        page.goto(f"{lab}/lab/tree/{NOTEBOOK}?reset")
        page.wait_for_selector(INDICATOR, timeout=60_000)
        page.wait_for_function(f"() => {KERNEL}?.status === 'idle'", timeout=60_000)
        yield page
        browser.close()
    assert [url for url in outside if not url.startswith((lab, "data:", "blob:", "ws://127.0.0.1"))] == []


def clear(page):
    """Take away the outputs that are committed, so that those found later are new."""
    page.evaluate("() => window.jupyterapp.commands.execute('notebook:clear-all-cell-outputs')")
    page.wait_for_function(f"() => {CODE}.every(c => c.outputs.length === 0)", polling=500)


def run_to_the_end(page):
    """Wait until all has run; the notebook then has fresh outputs, the check's panel, and no error."""
    failed = f"{CODE}.some(c => c.outputs.some(o => o.output_type === 'error'))"
    page.wait_for_function(f"() => {failed} || {CODE}.every(c => c.execution_count)", timeout=120_000, polling=500)
    page.wait_for_function(f"() => {KERNEL}.status === 'idle'", timeout=120_000)
    outputs = [output for cell in page.evaluate(f"() => {CODE}") for output in cell["outputs"]]
    assert [output for output in outputs if output["output_type"] == "error"] == []
    assert any("not attempted" in str(output.get("data", {}).get("text/html")) for output in outputs)
    assert any("image/png" in output.get("data", {}) for output in outputs)


def test_the_first_notebook_runs_in_jupyterlab(page):
    clear(page)
    page.evaluate("() => window.jupyterapp.commands.execute('notebook:run-all-cells')")
    run_to_the_end(page)
    panel = page.locator("div[role=status]").last  # as a reader sees it, who scrolls to it
    panel.scroll_into_view_if_needed()
    assert "not attempted" in panel.inner_text()


def test_the_first_notebook_runs_by_keyboard_alone(page):
    clear(page)
    page.keyboard.press("Control+Shift+C")  # the command palette
    page.keyboard.type("Run All Cells", delay=20)
    page.wait_for_timeout(500)
    page.keyboard.press("Enter")
    run_to_the_end(page)
