"""The node: slots, machine, Redis, problems in words; for admins users, tokens and who changed what."""

import platform
import time
from typing import Any

from twisted.internet.threads import deferToThread

from aioscrapy.version import __version__
from aioscrapy_scrapyd.facts import Problem
from aioscrapy_scrapyd.numbers import whole
from aioscrapy_scrapyd.state.job import JobError
from aioscrapy_scrapyd.tokens import add_token, list_tokens, remove_token
from aioscrapy_scrapyd.users import Role, UserError, role_of
from aioscrapy_scrapyd.web.screen import Action, Data, Done, Screen, Visit

# Rows of the audit on one page.
ROWS = 100
_AUDIT = "SELECT rowid, time, user, address, action, object, result FROM audit"


async def node(visit: Visit) -> Data:
    """Return what the node has, what it does, and what is wrong with it."""
    actions = visit.actions
    jobs, store = actions.node.jobs, actions.node.store
    machine = await deferToThread(actions.facts.machine.read)
    listing = await actions.crawls.listing()
    problems = [Problem("{problem}", {"problem": text}) for text in actions.node.problems()]
    problems += machine.problems()
    away = [{"text": one.text, "values": one.values} for one in listing.problems]
    live = len(jobs.live())
    return {
        "version": __version__,
        "python": platform.python_version(),
        "started": actions.facts.started,
        "slots": jobs.limits.slots,
        "running": live,
        "pending": jobs.count_pending(),
        "ended": await deferToThread(store.count_ended),
        "cpus": machine.cpus,
        "load": list(machine.load),
        "memory": {"total": machine.memory, "available": machine.available},
        "disks": [
            {"folders": list(disk.folders), "total": disk.total, "free": disk.free} for disk in machine.disks
        ],
        "redis": [
            {"address": server.address, "up": actions.crawls.up().get(server.address)}
            for server in actions.crawls.servers
        ],
        "problems": [{"text": one.text, "values": one.values} for one in problems] + away,
        "open": not actions.facts.users,
    }


async def access(visit: Visit) -> Data:
    """Return the users and the tokens of the node."""
    return await _access_page(visit, "")


async def new_token(visit: Visit) -> Done | Data:
    """Make a token; it is displayed once."""
    name, days = visit.field("name").strip(), visit.field("days").strip() or "0"
    try:
        role = role_of(visit.field("role"))
        if not name or len(name) > 100:
            raise JobError("a token needs a name of at most 100 characters")
        number = whole(days)
        if number is None or number > 36_500:
            raise JobError(f"{days[:20]!r} is not a number of days")
    except (JobError, UserError) as exc:
        return await _access_page(visit, str(exc))
    projects = ",".join(part.strip() for part in visit.field("projects").split(",") if part.strip())
    path = visit.actions.node.store.path
    token = await deferToThread(add_token, path, name, role, projects, number)
    text = "The token of {name} is {token}. Copy it now: it is not displayed again"
    return Done("/node/access", text, values={"name": name, "token": token})


async def drop_token(visit: Visit) -> Done:
    """Remove a token."""
    token = visit.names["token"]
    if await deferToThread(remove_token, visit.actions.node.store.path, token):
        return Done(
            "/node/access",
            "Token {token} is removed; it works for five more seconds at most",
            dict(visit.names),
        )
    return Done("/node/access", "There is no token {token}", dict(visit.names), bad=True)


async def audit(visit: Visit) -> Data:
    """Return who changed what, the latest first."""
    text, before = visit.ask("q").strip(), visit.ask("before")
    clauses, values = [], list[Any]()
    if text:
        clauses.append("(instr(lower(user), ?) OR instr(lower(action), ?) OR instr(lower(object), ?))")
        values += [text.lower()] * 3
    if (row := whole(before)) is not None:
        clauses.append("rowid < ?")
        values.append(row)
    where = f" WHERE {' AND '.join(clauses)}" if clauses else ""
    sql = f"{_AUDIT}{where} ORDER BY rowid DESC LIMIT {ROWS}"
    rows = await deferToThread(visit.actions.node.store.query, sql, values)
    names = ("id", "time", "user", "address", "action", "object", "result")
    return {
        "rows": [dict(zip(names, row, strict=True)) for row in rows],
        "q": text,
        "next": rows[-1][0] if len(rows) == ROWS else None,
    }


async def _access_page(visit: Visit, problem: str) -> Data:
    tokens = await deferToThread(list_tokens, visit.actions.node.store.path)
    now = time.time()
    return {
        "users": [
            {"name": user.name, "role": user.role.name.lower(), "projects": sorted(user.projects)}
            for user in visit.actions.facts.users.values()
        ],
        "tokens": [
            {
                "id": token.id,
                "name": token.name,
                "role": token.role.name.lower(),
                "projects": sorted(token.projects),
                "created": token.created,
                "expires": token.expires or None,
                "expired": bool(token.expires and token.expires < now),
            }
            for token in tokens
        ],
        "roles": [role.name.lower() for role in Role],
        "problem": problem,
        "form": {name: visit.field(name) for name in ("name", "role", "projects", "days")},
    }


SCREENS = (
    Screen("/node", node, "node.html", nav="node", live="job crawl node"),
    Screen("/node/access", access, "access.html", role=Role.ADMIN, nav="node"),
    Screen("/node/audit", audit, "audit.html", role=Role.ADMIN, nav="node"),
)
ACTIONS = (
    Action("/node/access", new_token, Role.ADMIN),
    Action("/node/access/{token}/remove", drop_token, Role.ADMIN),
)
