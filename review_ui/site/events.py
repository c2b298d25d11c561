"""News for a page that is open: a stream of server-sent events, as long as somebody looks."""

import asyncio
import json
from collections.abc import AsyncIterator, Callable, Mapping
from typing import Any, Final

from anyio import to_thread
from starlette.requests import Request
from starlette.responses import StreamingResponse

from intake.event_log import tell_error
from schemas.errors import MailError

_LOOK_EVERY_SECONDS: Final = 1.0
_TICK_SECONDS: Final = 0.1
# Then the browser asks again, which shows whether whoever looks is still signed in and still may.
_LIFE_SECONDS: Final = 55.0
_RETRY_MILLISECONDS: Final = 1500
_SIGN_OF_LIFE_SECONDS: Final = 15.0

News = Callable[[], Mapping[str, Any]]


def stream_of(request: Request, news: News) -> StreamingResponse:
    """What `news` tells, once now and then whenever it tells something else. It is asked in a thread."""
    return StreamingResponse(
        _events(request, news),
        media_type="text/event-stream",
        headers={"Cache-Control": "no-store", "X-Accel-Buffering": "no"},
    )


async def _events(request: Request, news: News) -> AsyncIterator[str]:
    loop = asyncio.get_running_loop()
    ends, told, spoken = loop.time() + _LIFE_SECONDS, "", loop.time()
    yield f"retry: {_RETRY_MILLISECONDS}\n\n"
    while loop.time() < ends and not await _is_over(request):
        try:
            found = json.dumps(await to_thread.run_sync(news))
        except MailError as error:  # the database is away: the page keeps what it shows until it is back
            tell_error("news_wait", error)
            found = told
        if found != told:
            told, spoken = found, loop.time()
            yield f"data: {found}\n\n"
        elif loop.time() - spoken > _SIGN_OF_LIFE_SECONDS:
            spoken = loop.time()
            yield ": still here\n\n"
        look = min(ends, loop.time() + _LOOK_EVERY_SECONDS)
        while loop.time() < look and not _is_stopping(request):
            await asyncio.sleep(_TICK_SECONDS)


async def _is_over(request: Request) -> bool:
    return _is_stopping(request) or await request.is_disconnected()


def _is_stopping(request: Request) -> bool:
    return bool(getattr(request.app.state, "is_stopping", False))
