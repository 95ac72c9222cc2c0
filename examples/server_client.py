"""Print the bubbles that a server sends, as they close: a complete client of the JSON protocol in 15 lines.

    flow-gl serve demo
    python examples/server_client.py
    python examples/server_client.py http://127.0.0.1:8080/ws 10

The second argument ends it after so many bubbles. docs/protocol.md describes all messages.
"""

import asyncio

import aiohttp
from command_line import count, start


async def follow(url: str, most: int) -> None:
    """Subscribe to every symbol and print each bubble that closes."""
    async with aiohttp.ClientSession() as session, session.ws_connect(url) as server:
        async for frame in server:
            message = frame.json()
            if message["type"] == "Connected":
                for instrument in message["instruments"]:
                    await server.send_json({"type": "Subscribe", "symbol": instrument["symbol"], "span_s": 60})
            elif message["type"] == "Bubble":
                print(f"{message['symbol']} {message['price'] / 1e9:.2f} delta {message['delta']:+d}", flush=True)
                most -= 1
                if most == 0:
                    return


def main(url: str = "http://127.0.0.1:8080/ws", most: int = 0) -> None:
    asyncio.run(follow(url, most))


if __name__ == "__main__":
    start(main, __doc__, "server_client.py [URL] [BUBBLES]", str, count)
