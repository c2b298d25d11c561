"""Style sheets, scripts and drawings of the site: read once at the start, then served from memory.

Their address holds the digest of all of them. A browser may keep them for ever, and a new version has a new address.
"""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from intake.api.problem import ProblemCode, Refused
from review_ui.site.policy import SiteRoute, open_to_all

FOLDER: Final = Path(__file__).parent.parent / "static"
PREFIX: Final = "/static"
_TYPES: Final = {
    ".css": "text/css; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".svg": "image/svg+xml",
    ".png": "image/png",
}
_FOR_EVER: Final = "public, max-age=31536000, immutable"
_DIGITS: Final = 16

router: Final = APIRouter(route_class=SiteRoute, include_in_schema=False)


@dataclass(frozen=True, slots=True)
class StaticFiles:
    """All of them, by their path below the folder. version: changes when any of them does."""

    files: Mapping[str, bytes]
    version: str

    def address(self, path: str) -> str:
        """Where the browser finds it. Raises LookupError if there is no such file: a page that names it is wrong."""
        if path not in self.files:
            raise LookupError(f"there is no static file {path}")
        return f"{PREFIX}/{self.version}/{path}"


def load_static_files(folder: Path = FOLDER) -> StaticFiles:
    """Every file below the folder that a browser may ask for."""
    found = {
        file.relative_to(folder).as_posix(): file.read_bytes()
        for file in sorted(folder.rglob("*"))
        if file.suffix in _TYPES
    }
    whole = hashlib.sha256()
    for path, content in found.items():
        whole.update(f"{path} {len(content)} ".encode() + content)
    return StaticFiles(found, whole.hexdigest()[:_DIGITS])


@router.get(PREFIX + "/{version}/{path:path}")
@open_to_all(identifies=False, gives_page=False)
async def static_file(version: str, path: str, request: Request) -> Response:
    """One of them. An address of another version is none: what it held is gone."""
    static: StaticFiles = request.app.state.site.static
    content = static.files.get(path) if version == static.version else None
    if content is None:
        raise Refused(404, ProblemCode.NOT_FOUND, "There is no such file.")
    return Response(content, headers={"Cache-Control": _FOR_EVER}, media_type=_TYPES[path[path.rindex(".") :]])
