"""Files: where downloads and compiled kernels are kept, and writing that never leaves half a file behind."""

import json
import os
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any


def cache_folder(name: str) -> Path:
    """The folder `name` of the user's cache, created; a temporary one where that cannot be written.

    `MINILM_CACHE` names another place than the operating system's custom.
    """
    for base in (_user_cache(), Path(tempfile.gettempdir()) / f"minilm-{_user()}"):
        folder = base / name
        try:
            base.mkdir(mode=0o700, parents=True, exist_ok=True)
            folder.mkdir(parents=True, exist_ok=True)
            with tempfile.TemporaryFile(dir=folder):
                if _is_ours(base):
                    return folder
        except OSError:
            continue
    raise OSError(
        f"neither {_user_cache()} nor {tempfile.gettempdir()} can be written; "
        "set the environment variable MINILM_CACHE to a folder that can"
    )


def _user() -> str:
    return str(os.getuid()) if hasattr(os, "getuid") else os.environ.get("USERNAME", "cache")


def _is_ours(folder: Path) -> bool:
    """Compiled code is kept there: it must not be a folder that another user of the machine has put in its place."""
    return not hasattr(os, "getuid") or folder.stat().st_uid == os.getuid()


def _user_cache() -> Path:
    if "MINILM_CACHE" in os.environ:
        return Path(os.environ["MINILM_CACHE"]).expanduser()
    if sys.platform == "win32":
        return Path(os.environ.get("LOCALAPPDATA", Path.home() / "AppData" / "Local")) / "minilm"
    if sys.platform == "darwin":
        return Path.home() / "Library" / "Caches" / "minilm"
    return Path(os.environ.get("XDG_CACHE_HOME", Path.home() / ".cache")) / "minilm"


def read_json(path: Path) -> dict[str, Any]:
    """The object in a JSON file.

    Raises
    ------
    ValueError
        If the file is damaged, or holds something else.
    """
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except (ValueError, RecursionError) as error:
        raise ValueError(f"{path} is damaged ({error}); take another copy") from error
    if not isinstance(content, dict):
        raise ValueError(f"{path} holds a {type(content).__name__}, expected an object; take another copy")
    return content


@contextmanager
def replacing(path: str | Path) -> Iterator[Path]:
    """A temporary path beside `path` to write to; it takes the place of `path` only if all went well.

    >>> folder = Path(tempfile.mkdtemp())
    >>> with replacing(folder / "note.txt") as temporary:
    ...     _ = temporary.write_text("whole or not at all", encoding="utf-8")
    >>> [file.name for file in folder.iterdir()]
    ['note.txt']

    Raises
    ------
    OSError
        With the file's name and the cause (a full or read-only disk); `path` is then as it was.
    """
    path = Path(path)
    temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        yield temporary
        temporary.replace(path)
    except OSError as error:
        raise OSError(
            error.errno, f"{path} could not be written ({error.strerror}); free some space or choose another folder"
        ) from error
    finally:
        with suppress(OSError):
            temporary.unlink()
