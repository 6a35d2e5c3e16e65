"""Orders: reserve, charge, remember, and hand over to the warehouse.

FastAPI with an included router, a metric, operations, and a queue whose worker has a pool of threads: one
trace goes through all of it.

Alone: ``uvicorn shop.orders:app --port 8001`` in the folder ``examples``, with inventory on port 8002.
"""

import asyncio
import os
import time
from collections.abc import AsyncIterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from typing import Any
from urllib.parse import quote

import httpx
from fastapi import APIRouter, FastAPI, HTTPException, Request
from prometheus_client import Counter
from pydantic import BaseModel

from observekit import annotate, get_logger, instrument, operation
from shop.database import Database

INVENTORY = os.environ.get("INVENTORY_URL", "http://127.0.0.1:8002")
CREDIT_LIMIT = 1000.0

log = get_logger()
revenue = Counter("shop_revenue_euros", "What was charged.")
database = Database("CREATE TABLE orders (id INTEGER PRIMARY KEY, sku TEXT, quantity INTEGER, total REAL)")
router = APIRouter(prefix="/orders", tags=["orders"])


# Instead of a broker, so that the shop runs without one; headers and order number.
Parcels = asyncio.Queue[tuple[dict[str, str], int | None]]


class Order(BaseModel):
    """What a customer wants."""

    sku: str
    quantity: int = 1


@router.post("", status_code=201)
async def place(order: Order, request: Request) -> dict[str, Any]:
    annotate(sku=order.sku, quantity=order.quantity)
    reservation = await _reserve(order, request.app.state.inventory)
    await _charge(reservation["total"])
    number = await asyncio.to_thread(_remember, order, reservation["total"])
    with kit.messages.publish("memory", "parcels") as headers:
        request.app.state.parcels.put_nowait((headers, number))
    return {"id": number, **reservation}


@router.get("/{order_id}")
def show(order_id: int) -> dict[str, Any]:
    with database.connect() as connection:
        row = connection.execute("SELECT * FROM orders WHERE id = ?", (order_id,)).fetchone()
    if row is None:
        raise HTTPException(404, f"there is no order {order_id}")
    return dict(row)


async def _reserve(order: Order, inventory: httpx.AsyncClient) -> dict[str, Any]:
    wanted = {"quantity": order.quantity}
    answer = await inventory.post(f"/items/{quote(order.sku)}/reserve", params=wanted)
    if answer.is_server_error:
        log.error("inventory.failed", sku=order.sku, status=answer.status_code)
        raise HTTPException(502, "inventory failed")
    if answer.is_error:
        raise HTTPException(answer.status_code, answer.json()["detail"])
    reservation: dict[str, Any] = answer.json()
    return reservation


async def _charge(total: float) -> None:
    with operation("charge card", labels={"bank": "acme"}, fields={"total": total}):
        await asyncio.sleep(0.01)  # The bank.
        if total > CREDIT_LIMIT:
            log.warning("payment.declined", total=total, limit=CREDIT_LIMIT)
            raise HTTPException(402, "payment declined")
    revenue.inc(total)


def _remember(order: Order, total: float) -> int | None:
    with database.connect() as connection:
        added = connection.execute(
            "INSERT INTO orders (sku, quantity, total) VALUES (?, ?, ?)", (order.sku, order.quantity, total)
        )
    # On a thread of asyncio's, and still a line of this request.
    log.info("order.placed", order=added.lastrowid, total=total)
    return added.lastrowid


@operation("print label")
def _print_label(number: int | None) -> None:
    time.sleep(0.003)  # The printer.
    log.info("label.printed", order=number)


async def _pack(parcels: Parcels) -> None:
    """Work for the warehouse: in another task than the request, and its threads in a pool of their own."""
    loop = asyncio.get_running_loop()
    with ThreadPoolExecutor(1, "printer") as printers:
        while True:
            headers, number = await parcels.get()
            with kit.messages.process("memory", "parcels", headers, fields={"order": number}):
                await loop.run_in_executor(printers, kit.context.carry(_print_label), number)


@asynccontextmanager
async def lifespan(application: FastAPI) -> AsyncIterator[None]:
    application.state.parcels = Parcels(1000)
    async with database.lifespan(application), httpx.AsyncClient(base_url=INVENTORY) as client:
        application.state.inventory = client
        worker = asyncio.create_task(_pack(application.state.parcels))
        yield
        worker.cancel()
        await asyncio.wait([worker])


app = FastAPI(title="orders", lifespan=lifespan)
app.include_router(router)

kit = instrument(app, service_name="orders")
kit.add_check("database", database.check)
