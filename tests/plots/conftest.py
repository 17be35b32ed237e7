import matplotlib
import pytest

matplotlib.use("agg")


@pytest.fixture(autouse=True)
def closed_figures():
    import matplotlib.pyplot as plt

    yield
    plt.close("all")


@pytest.fixture(autouse=True)
def nothing_is_fetched(monkeypatch):
    """On a machine without a Chinese font, pictures do without it here."""

    def fetch(*_):
        raise OSError("no network in tests")

    monkeypatch.setattr("minilm.packages.fetch", fetch)


@pytest.fixture
def words():
    """The texts on axes that are not empty."""

    def of(ax):
        return [text.get_text() for text in ax.texts if text.get_text()]

    return of
