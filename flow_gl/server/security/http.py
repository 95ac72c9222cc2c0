"""Applies the rules of `admission` to HTTP: a middleware for all requests, and the response to a refused one."""

import msgspec
from aiohttp import web
from aiohttp.typedefs import Handler, Middleware

from flow_gl.protocol.messages import Error
from flow_gl.server.security.admission import Admission, Refusal


def rules(admission: Admission) -> Middleware:
    """Return the middleware that refuses foreign Host and Origin headers, and tokens in the URL, on every path."""

    @web.middleware
    async def check(request: web.Request, handler: Handler) -> web.StreamResponse:
        refusal = admission.check_request(
            request.headers, address=request.remote or "", query=request.query_string, scheme=request.scheme
        )
        return refused(refusal) if refusal else await handler(request)

    return check


def refused(refusal: Refusal) -> web.Response:
    """Return the HTTP response to a refusal: JSON with the code, the reason and advice."""
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
