"""The rules of `admission` as HTTP: a middleware for every request, and the answer to one that is refused."""

import msgspec
from aiohttp import web
from aiohttp.typedefs import Handler, Middleware

from flow_gl.protocol.messages import Error
from flow_gl.server.security.admission import Admission, Refusal


def rules(admission: Admission) -> Middleware:
    """Return the middleware that refuses a foreign Host or Origin, and a token in the URL, for every path."""

    @web.middleware
    async def check(request: web.Request, handler: Handler) -> web.StreamResponse:
        refusal = admission.check_request(
            request.headers, address=request.remote or "", query=request.query_string, scheme=request.scheme
        )
        return refused(refusal) if refusal else await handler(request)

    return check


def refused(refusal: Refusal) -> web.Response:
    """Return the HTTP answer for a refusal: JSON with the code, the reason and what to do."""
    headers = {"Cache-Control": "no-store"}
    if refusal.closes:
        headers["Connection"] = "close"
    if refusal.retry_s:
        headers["Retry-After"] = str(refusal.retry_s)
    if refusal.status == 401:
        headers["WWW-Authenticate"] = "Bearer"
    error = Error(code=refusal.code, text=refusal.text, advice=refusal.advice)
    headers["Content-Type"] = "application/json"
    return web.Response(body=msgspec.json.encode(error), status=refusal.status, headers=headers)
