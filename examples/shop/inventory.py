"""Inventory: what is in stock. FastAPI with synchronous endpoints, which run in worker threads.

Alone: ``uvicorn shop.inventory:app --port 8002`` in the folder ``examples``.
"""

import logging
import time
from typing import Any

from fastapi import APIRouter, FastAPI, HTTPException

from observekit import annotate, instrument
from shop.database import Database

log = logging.getLogger("inventory")
database = Database(
    """
    CREATE TABLE items (sku TEXT PRIMARY KEY, price REAL, stock INTEGER, per_parcel INTEGER, fetch_ms REAL);
    INSERT INTO items VALUES
        ('tea',         4.50, 1000000, 20,   2),
        ('mug',         9.00, 1000000,  6,   5),
        ('lamp',       35.00, 1000000,  2,  40),
        ('sofa',      640.00, 1000000,  1, 300),
        ('umbrella',   15.00,       0,  4,   2),
        ('gift-card',  25.00, 1000000,  0,   1);
    """
)

router = APIRouter(prefix="/items", tags=["items"])


@router.get("")
def list_items() -> list[dict[str, Any]]:
    with database.connect() as connection:
        rows = connection.execute("SELECT sku, price, stock FROM items ORDER BY price")
        return [dict(row) for row in rows]


@router.get("/{sku}")
def show_item(sku: str) -> dict[str, Any]:
    return _item(sku)


@router.post("/{sku}/reserve", status_code=201)
def reserve(sku: str, quantity: int = 1) -> dict[str, Any]:
    item = _item(sku)
    # The thread knows its request: this field is in the canonical log line, and the line below has its ids.
    annotate(sku=sku, quantity=quantity)
    if item["stock"] < quantity:
        log.warning("sold out", extra={"sku": sku, "stock": item["stock"]})
        raise HTTPException(409, f"{sku} is sold out")
    time.sleep(item["fetch_ms"] / 1000)  # Bulky things wait for the crane.
    with database.connect() as connection:
        connection.execute("UPDATE items SET stock = stock - ? WHERE sku = ?", (quantity, sku))
    # The bug of this shop: gift cards are sent by e-mail, so none of them go into a parcel.
    parcels = -(-quantity // item["per_parcel"])
    log.info("reserved", extra={"sku": sku, "parcels": parcels})
    return {"sku": sku, "quantity": quantity, "parcels": parcels, "total": item["price"] * quantity}


def _item(sku: str) -> dict[str, Any]:
    with database.connect() as connection:
        row = connection.execute("SELECT * FROM items WHERE sku = ?", (sku,)).fetchone()
    if row is None:
        raise HTTPException(404, f"there is no {sku}")
    return dict(row)


app = FastAPI(title="inventory", lifespan=database.lifespan)
app.include_router(router)

kit = instrument(app, service_name="inventory")
kit.add_check("database", database.check)
