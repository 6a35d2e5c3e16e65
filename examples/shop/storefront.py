"""Storefront: the pages that people see. Starlette, with a mount.

Alone: ``uvicorn shop.storefront:app --port 8000`` in the folder ``examples``, with orders on port 8001
and inventory on port 8002.
"""

import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from html import escape
from urllib.parse import quote

import httpx
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import HTMLResponse
from starlette.routing import Mount, Route

from observekit import ObserveMiddleware, annotate, get_logger, setup

ORDERS = os.environ.get("ORDERS_URL", "http://127.0.0.1:8001")
INVENTORY = os.environ.get("INVENTORY_URL", "http://127.0.0.1:8002")
HELP = {"delivery": "Tea comes tomorrow, sofas when the crane is free.", "returns": "Within 30 days."}

log = get_logger()


@asynccontextmanager
async def lifespan(application: Starlette) -> AsyncIterator[None]:
    async with httpx.AsyncClient() as application.state.client:
        yield


async def home(request: Request) -> HTMLResponse:
    items = (await request.app.state.client.get(f"{INVENTORY}/items")).raise_for_status().json()
    links = (f'<li><a href="/products/{item["sku"]}">{item["sku"]}</a>, {item["price"]} €' for item in items)
    return _page("The shop", f"<ul>{''.join(links)}</ul><p><a href='/help/delivery'>Delivery</a>")


async def product(request: Request) -> HTMLResponse:
    sku = request.path_params["sku"]
    answer = await request.app.state.client.get(f"{INVENTORY}/items/{quote(sku)}")
    if answer.is_error:
        return _page("No such thing", escape(sku), status=answer.status_code)
    button = f"<form method='post' action='/checkout/{sku}'><button>Buy one</button></form>"
    return _page(sku, f"<p>{answer.json()['price']} €</p>{button}")


async def checkout(request: Request) -> HTMLResponse:
    sku, quantity = request.path_params["sku"], request.query_params.get("quantity", "1")
    annotate(sku=sku, quantity=quantity)
    answer = await request.app.state.client.post(f"{ORDERS}/orders", json={"sku": sku, "quantity": quantity})
    if answer.is_error:
        log.warning("checkout.failed", sku=sku, status=answer.status_code)
        return _page("Nothing was bought", escape(str(answer.json()["detail"])), status=answer.status_code)
    number = answer.json()["id"]
    return _page("Thank you", f"<p>Your order: <a href='/receipts/{number}'>{number}</a>", status=201)


async def receipt(request: Request) -> HTMLResponse:
    answer = await request.app.state.client.get(f"{ORDERS}/orders/{request.path_params['order_id']}")
    if answer.is_error:
        raise HTTPException(answer.status_code)
    return _page("Receipt", escape(str(answer.json())))


async def advice(request: Request) -> HTMLResponse:
    topic = request.path_params["topic"]
    if topic not in HELP:
        raise HTTPException(404)
    return _page(topic, HELP[topic])


def _page(title: str, body: str, status: int = 200) -> HTMLResponse:
    home_link = "<p><a href='/'>All products</a>"
    return HTMLResponse(f"<!doctype html><title>{title}</title><h1>{title}</h1>{body}{home_link}", status)


app = Starlette(
    lifespan=lifespan,
    routes=[
        Route("/", home),
        Route("/products/{sku}", product),
        Route("/checkout/{sku}", checkout, methods=["POST"]),
        Route("/receipts/{order_id:int}", receipt),
        Mount("/help", routes=[Route("/{topic}", advice)]),
    ],
)

# What instrument(app, service_name="storefront") does, for those who like to see their middleware.
kit = setup(service_name="storefront")
app.add_middleware(ObserveMiddleware)


@kit.readiness(criticality="degraded")
async def orders() -> None:
    """Show that nothing can be bought; the other pages go on."""
    (await app.state.client.get(f"{ORDERS}/livez")).raise_for_status()
