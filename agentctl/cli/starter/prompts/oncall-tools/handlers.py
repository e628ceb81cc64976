"""The tools of the on-call assistant, on a small SQLite database in the run's workspace.

Replace the database by your own systems: a handler is a plain function, its parameters are the tool's input.
"""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

from agentctl import ToolContext, ToolFailure

SERVICES = [("checkout", "down", 37.5), ("search", "healthy", 0.1), ("login", "degraded", 4.2)]


def create(workspace: Path) -> None:
    """Fills a fresh workspace; every case of an eval gets its own copy."""
    with closing(sqlite3.connect(workspace / "oncall.db")) as db:
        db.execute("CREATE TABLE services (name TEXT PRIMARY KEY, health TEXT, error_rate REAL)")
        db.execute(
            "CREATE TABLE incidents"
            " (number INTEGER PRIMARY KEY, service TEXT, severity TEXT, summary TEXT, key TEXT UNIQUE)"
        )
        db.executemany("INSERT INTO services VALUES (?, ?, ?)", SERVICES)
        db.commit()


def service_status(service: str, ctx: ToolContext) -> dict[str, Any]:
    """The health of one service."""
    with closing(sqlite3.connect(ctx.workspace / "oncall.db")) as db:
        row = db.execute("SELECT health, error_rate FROM services WHERE name = ?", (service,)).fetchone()
        if row is None:
            known = [name for (name,) in db.execute("SELECT name FROM services ORDER BY name")]
            raise ToolFailure(f"there is no service {service!r}; the services are: {', '.join(known)}")
        incident = db.execute("SELECT max(number) FROM incidents WHERE service = ?", (service,)).fetchone()[0]
    return {"service": service, "health": row[0], "error_rate_percent": row[1], "open_incident": incident}


def open_incident(service: str, severity: str, summary: str, ctx: ToolContext) -> dict[str, Any]:
    """Opens an incident; the same call twice opens one."""
    with closing(sqlite3.connect(ctx.workspace / "oncall.db")) as db:
        db.execute(
            "INSERT OR IGNORE INTO incidents (service, severity, summary, key) VALUES (?, ?, ?, ?)",
            (service, severity, summary, ctx.idempotency_key),
        )
        db.commit()
        number = db.execute("SELECT number FROM incidents WHERE key = ?", (ctx.idempotency_key,)).fetchone()[0]
    return {"incident": f"INC-{number}", "severity": severity, "paged": f"{service} team"}
