"""The floor: aiohttp that answers every question with a constant."""

import asyncio
import json
import sys

from aiohttp import web

ANSWER = json.dumps({"action": "continue", "status": "success", "result": {"name": "board", "service_tag": "constant"}})


async def _answer(_: web.Request) -> web.Response:
    return web.Response(text=ANSWER, content_type="application/json")


async def main() -> None:
    app = web.Application()
    app.add_routes([web.route("*", "/{path:.*}", _answer)])
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    sys.stderr.write(f"listening on {runner.addresses[0][1]}\n")
    sys.stderr.flush()
    await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(main())
