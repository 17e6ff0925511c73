"""A small aiohttp service. It knows nothing of Aweigh."""

import asyncio
import os

from aiohttp import web

routes = web.RouteTableDef()


@routes.get("/health")
async def health(request: web.Request) -> web.Response:
    return web.json_response({"status": "ok"})


@routes.get("/hello/{name}")
async def hello(request: web.Request) -> web.Response:
    return web.json_response({"hello": request.match_info["name"]})


async def warm_up(app: web.Application) -> None:
    """Stands for what a real service does before it listens."""
    print("warming up")
    await asyncio.sleep(float(os.environ.get("WARM_UP", "0.2")))


app = web.Application()
app.add_routes(routes)
app.on_startup.append(warm_up)

if __name__ == "__main__":
    web.run_app(app, port=int(os.environ.get("PORT", "8080")))
