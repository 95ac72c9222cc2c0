"""Print each bubble that a server sends, as it closes.

With flow-gl serve demo in another terminal:
    python examples/server_client.py"""

import asyncio

import aiohttp
from command_line import start


async def follow(url: str) -> None:
    async with aiohttp.ClientSession() as session, session.ws_connect(url) as server:
        async for frame in server:
            if (message := frame.json())["type"] == "Connected":
                for instrument in message["instruments"]:
                    await server.send_json({"type": "Subscribe", "symbol": instrument["symbol"], "span_s": 60})
            elif message["type"] == "Bubble":
                print(f"{message['symbol']} {message['price'] / 1e9:.2f} delta {message['delta']:+d}", flush=True)


start(lambda url="http://127.0.0.1:8080/ws": asyncio.run(follow(url)), __doc__, "server_client.py [URL]", str)
