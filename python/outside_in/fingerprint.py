"""What a build depends on, as one short text: equal means that building again would change nothing."""

from __future__ import annotations

import hashlib
import json
import sys
from collections.abc import Iterator
from importlib.metadata import distributions
from pathlib import Path
from typing import Any

from outside_in.paths import PROJECT

CODE = ("models", "macros", "seeds", "tests", "python/outside_in", "dbt_project.yml", "profiles.yml")


def fingerprint(raw_dir: Path, dbt_vars: dict[str, Any]) -> str:
    """Describe the raw files, the vars, this project and the packages it runs on.

    Raw files count with name, size and the times of their last change: of their content, and of their entry in the
    file system, which a copy with the old time and size cannot keep. The project's files count with their content.

    Args:
        raw_dir: folder with one folder per raw table; what is deeper is never read.
        dbt_vars: vars that override the project's defaults.

    Returns:
        64 hexadecimal digits; an empty text, which equals nothing, where a raw file cannot be looked at.
    """
    try:
        files = list(_raw_files(raw_dir))
    except OSError:
        return ""
    return _digest({"files": files, "vars": dbt_vars, "project": project_fingerprint()})


def project_fingerprint() -> str:
    """Describe this project, file by file, and the packages it runs on, in 64 hexadecimal digits."""
    return _digest(
        {
            "code": list(_code()),
            "packages": sorted(f"{package.name} {package.version}" for package in distributions()),
            "python": sys.version,
        }
    )


def _digest(parts: dict[str, Any]) -> str:
    return hashlib.sha256(json.dumps(parts, sort_keys=True).encode("utf-8")).hexdigest()


def _raw_files(raw_dir: Path) -> Iterator[tuple[str, int, int, int]]:
    for folder in sorted(path for path in raw_dir.iterdir() if path.is_dir()):
        for path in sorted(folder.iterdir()):
            stat = path.stat()
            yield f"{folder.name}/{path.name}", stat.st_size, stat.st_mtime_ns, stat.st_ctime_ns


def _code() -> Iterator[tuple[str, str]]:
    for name in CODE:
        top = PROJECT / name
        for path in sorted(top.rglob("*")) if top.is_dir() else [top]:
            if path.is_file() and "__pycache__" not in path.parts:
                yield path.relative_to(PROJECT).as_posix(), hashlib.sha256(path.read_bytes()).hexdigest()
