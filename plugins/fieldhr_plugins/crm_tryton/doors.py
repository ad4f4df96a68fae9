"""The two doors of a Tryton server: REST with a key, and JSON-RPC with a user's password."""

from __future__ import annotations

import abc
import base64
import json
from collections.abc import Mapping, Sequence
from types import TracebackType
from typing import Any, Final

from fieldhr_core.errors import ConfigError, SourceError
from fieldhr_core.intake.web import Web
from fieldhr_plugins.crm_tryton import TrytonSettings
from fieldhr_plugins.crm_tryton.values import decoded, encoded, without_dots

__all__ = ["Door", "JsonRpcDoor", "RestDoor", "door_of"]

Domain = Sequence[Any]
#: Inactive records are asked for by name of this context.
ALL: Final[Mapping[str, Any]] = {"active_test": False}


class Door(abc.ABC):
    """What is asked of a Tryton: a context manager that holds one connection."""

    def __init__(self, settings: TrytonSettings, headers: Mapping[str, str]) -> None:
        self._settings = settings
        self._web = Web(settings.web, headers=headers, object_hook=decoded)
        self._root = f"/{settings.database}"
        # Without a company in the context, records of companies are silently left out.
        self._context: dict[str, Any] = {} if settings.company is None else {"company": settings.company}

    def __enter__(self) -> Door:
        self._web.__enter__()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._web.__exit__(kind, error, trace)

    def search(
        self,
        model: str,
        domain: Domain,
        fields: Sequence[str],
        *,
        order: Sequence[Sequence[str]] = (("id", "ASC"),),
        limit: int = 1_000,
        context: Mapping[str, Any] | None = None,
    ) -> list[dict[str, Any]]:
        """Return records with the named fields; nested ones under their plain name.

        Raises:
            SourceError: FHR-SRC-004 where there is no such model or field, and see :meth:`Web.ask`.
        """
        whole = {**self._context, **(context or {})}
        status, body = self._search(model, domain, fields, order, limit, whole)
        return _records(self._web.host, model, status, body)

    def create(self, model: str, values: Mapping[str, Any]) -> None:
        """Make one record."""
        self._change("create", model, None, values)

    def write(self, model: str, id_: int, values: Mapping[str, Any]) -> None:
        """Change one record."""
        self._change("write", model, id_, values)

    def delete(self, model: str, id_: int) -> None:
        """Take one record away."""
        self._change("delete", model, id_, None)

    @abc.abstractmethod
    def _search(
        self,
        model: str,
        domain: Domain,
        fields: Sequence[str],
        order: Sequence[Sequence[str]],
        limit: int,
        context: Mapping[str, Any],
    ) -> tuple[int, Any]: ...

    @abc.abstractmethod
    def _change(self, how: str, model: str, id_: int | None, values: Mapping[str, Any] | None) -> None: ...


class RestDoor(Door):
    """``/<database>/rest/model/<name>``: the key can be revoked, never expires, and belongs to one user."""

    def __init__(self, settings: TrytonSettings) -> None:
        super().__init__(settings, {"Authorization": f"Bearer {settings.key}"})

    def _search(
        self,
        model: str,
        domain: Domain,
        fields: Sequence[str],
        order: Sequence[Sequence[str]],
        limit: int,
        context: Mapping[str, Any],
    ) -> tuple[int, Any]:
        params = [("d", _packed(encoded(domain))), ("s", str(limit)), ("o", _packed(encoded(order)))]
        params += [("f", field) for field in fields]
        path = f"{self._root}/rest/model/{model}"
        found = self._web.get(path, params=params, headers=_within(context), good=(200, 404, 500))
        return found.status, found.body

    def _change(self, how: str, model: str, id_: int | None, values: Mapping[str, Any] | None) -> None:
        self._web.ask(
            {"create": "POST", "write": "PUT", "delete": "DELETE"}[how],
            f"{self._root}/rest/model/{model}" + ("" if id_ is None else f"/{id_}"),
            params=None if values is None else [("f", "id")],
            body=None if values is None else encoded(values),
            headers=_within(self._context),
            good=(200, 204),
        )


class JsonRpcDoor(Door):
    """``/<database>/rpc/``: a session per visit, opened with a password and closed again."""

    def __init__(self, settings: TrytonSettings) -> None:
        super().__init__(settings, {})
        self._session = ""
        self._number = 0

    def __enter__(self) -> Door:
        settings = self._settings
        self._web.__enter__()
        try:
            parameters = {"password": settings.password}
            answer = self._call("common.db.login", settings.user, parameters, "en", again=False)
            # Three values from 8.2 on, two before: the user's id, the session, and where to listen.
            if not isinstance(answer, list) or len(answer) < 2:
                raise SourceError(f"{self._web.host} opened no session.", code="FHR-SRC-002", host=self._web.host)
            session = f"{settings.user}:{answer[0]}:{answer[1]}"
            self._session = "Session " + base64.b64encode(session.encode()).decode()
            self._context = {**self._call("model.res.user.get_preferences", True, {}), **self._context}
        except BaseException:
            self._web.__exit__(None, None, None)
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            if self._session and kind is None:
                self._call("common.db.logout", again=False)
        except SourceError:
            pass  # a session that is not closed ends by itself
        finally:
            self._session = ""
            super().__exit__(kind, error, trace)

    def _search(
        self,
        model: str,
        domain: Domain,
        fields: Sequence[str],
        order: Sequence[Sequence[str]],
        limit: int,
        context: Mapping[str, Any],
    ) -> tuple[int, Any]:
        return 200, self._call(f"model.{model}.search_read", domain, 0, limit, order, list(fields), context)

    def _change(self, how: str, model: str, id_: int | None, values: Mapping[str, Any] | None) -> None:
        what = [] if id_ is None else [[id_]]
        given = [] if values is None else [[values] if id_ is None else values]
        self._call(f"model.{model}.{how}", *what, *given, self._context, again=False)

    def _call(self, method: str, *params: Any, again: bool = True) -> Any:
        self._number += 1
        body = {"id": self._number, "method": method, "params": encoded(list(params))}
        headers = {"Authorization": self._session} if self._session else {}
        answer = self._web.ask("POST", f"{self._root}/rpc/", body=body, headers=headers, again=again).body
        if isinstance(answer, dict) and answer.get("error"):
            # ["UserError", ["what the user is told", ""]]: the first says which, the others may name somebody.
            error = answer["error"]
            name = str(error[0])[:80] if isinstance(error, list) and error else "an error"
            raise SourceError(f"{self._web.host} answered {method} with {name}.", code="FHR-SRC-004")
        return answer.get("result") if isinstance(answer, dict) and "result" in answer else answer


def door_of(settings: TrytonSettings) -> Door:
    """Return the door the settings name.

    Raises:
        ConfigError: FHR-CFG-001 without a database, or with neither a key nor a user.
    """
    if not settings.database:
        raise ConfigError("The connector 'tryton' has no database.", code="FHR-CFG-001", hint="Set database=...")
    if settings.key:
        return RestDoor(settings)
    if settings.user and settings.password:
        return JsonRpcDoor(settings)
    raise ConfigError(
        "The connector 'tryton' has no credentials.",
        code="FHR-CFG-001",
        hint="Set key= of a user application 'rest', or user= and password= for JSON-RPC.",
    )


def _within(context: Mapping[str, Any]) -> dict[str, str]:
    return {"X-Tryton-Context": _packed(encoded(context))} if context else {}


def _packed(value: Any) -> str:
    return base64.urlsafe_b64encode(json.dumps(value, separators=(",", ":")).encode()).decode()


def _records(host: str, model: str, status: int, body: Any) -> list[dict[str, Any]]:
    if status == 200 and isinstance(body, list) and all(isinstance(row, dict) for row in body):
        records: list[dict[str, Any]] = without_dots(body)
        return records
    if status == 500:
        raise SourceError(
            f"{host} failed over {model!r} (500): its module is not activated, or its fields are others.",
            code="FHR-SRC-004",
            hint="Activate the module, or leave the kind out of the setting kinds.",
            model=model,
        )
    raise SourceError(f"{host} has no {model!r} ({status}).", code="FHR-SRC-004", model=model)
