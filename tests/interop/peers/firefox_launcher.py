"""Between Playwright and Firefox: a program started as if it were the browser.

Playwright speaks WebDriver BiDi to any Firefox, but on opening a context insists on a command that Debian's
long-term Firefox does not know yet. What Firefox does not know of emulation is no loss to a test, so such a
refusal becomes a success here; all else passes as it is, both ways. It imports nothing of the tests: it runs
as a script, outside of their package.
"""

from __future__ import annotations

import asyncio
import json
import sys
from asyncio.subprocess import PIPE

from websockets.asyncio.client import ClientConnection, connect
from websockets.asyncio.server import ServerConnection, serve

ANNOUNCED = b"WebDriver BiDi listening on "


async def main(program: str, *arguments: str) -> int:
    """Run the browser; what it announces as its address is replaced by ours."""
    browser = await asyncio.create_subprocess_exec(program, *arguments, stderr=PIPE)
    if browser.stderr is None:
        raise RuntimeError("no pipe")
    async for line in browser.stderr:
        if line.startswith(ANNOUNCED):
            theirs = line.removeprefix(ANNOUNCED).decode().strip()
            server = await serve(Bridge(theirs), "127.0.0.1", 0, max_size=None, compression=None)
            port = server.sockets[0].getsockname()[1]
            print(f"{ANNOUNCED.decode()}ws://127.0.0.1:{port}", file=sys.stderr, flush=True)
    return await browser.wait()


class Bridge:
    """Serves one connection to the browser at that address."""

    def __init__(self, address: str) -> None:
        self._address = address
        self._emulations: set[int] = set()  # ids of commands

    async def __call__(self, driver: ServerConnection) -> None:
        path = driver.request.path if driver.request else ""
        async with connect(self._address + path, max_size=None, compression=None, proxy=None) as browser:
            ways = [asyncio.create_task(way(driver, browser)) for way in (self._command, self._answer)]
            await asyncio.wait(ways, return_when=asyncio.FIRST_COMPLETED)

    async def _command(self, driver: ServerConnection, browser: ClientConnection) -> None:
        async for message in driver:
            command = json.loads(message)
            if command["method"].startswith("emulation."):
                self._emulations.add(command["id"])
            await browser.send(message)

    async def _answer(self, driver: ServerConnection, browser: ClientConnection) -> None:
        async for message in browser:
            answer = json.loads(message)
            if answer.get("id") in self._emulations:
                self._emulations.remove(answer["id"])
                if answer.get("error") == "unknown command":
                    answer = {"type": "success", "id": answer["id"], "result": {}}
            await driver.send(json.dumps(answer))


if __name__ == "__main__":
    sys.exit(asyncio.run(main(*sys.argv[1:])))
