"""An aiohttp service that needs its database before it listens."""
import os
import socket
import sys

from aiohttp import web


def connect(database):
    host, port = database.split(":")
    with socket.create_connection((host, int(port))) as connection:
        return connection.recv(1)  # waits here


async def health(request):
    return web.json_response({"status": "ok"})


if os.environ["DATABASE"]:
    connect(os.environ["DATABASE"])
app = web.Application()
app.router.add_get("/health", health)
web.run_app(app, host="0.0.0.0", port=int(sys.argv[1]))
