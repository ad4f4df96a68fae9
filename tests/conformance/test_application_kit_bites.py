"""The kit for applications: a good one passes, and each fault makes the test that is meant to find it fail."""

from __future__ import annotations

from typing import Any

import pytest

from fieldhr_core.errors import AccessError
from fieldhr_core.hooks import Application
from fieldhr_core.model import Principal, Role
from fieldhr_core.testing import ApplicationConformance

#: Fault -> the tests that find it.
FAULTS = {
    "moved": {"test_it_is_mounted_where_it_says"},
    "untyped": {"test_its_pages_answer"},
    "loose": {"test_every_answer_is_held_in_by_headers"},
    "cdn": {"test_its_pages_load_nothing_from_elsewhere"},
    "rooted": {"test_it_stands_below_a_root"},
    "open": {"test_whoever_is_unknown_gets_nothing_of_a_tenant", "test_a_login_that_ended_is_no_login"},
    "own rights": {"test_it_acts_as_whoever_asks"},
    "anything": {"test_what_is_not_there_is_said_so"},
    "any form": {"test_a_form_that_nobody_of_ours_made_changes_nothing"},
    "brittle": {"test_whatever_comes_is_answered"},
}


def suite_with(fault: str) -> ApplicationConformance:
    """Return the suite of an application with one fault."""

    def make(site: Any) -> Any:
        async def answer(scope: Any, _receive: Any, send: Any) -> None:
            root, query = scope["root_path"], scope["query_string"]
            status, names = 200, ""
            caller = await site.caller(scope)
            if fault == "brittle" and b"\xff" in query:
                raise ValueError(query)
            if scope["path"].removeprefix(root) not in ("", "/") and fault != "anything":
                status = 404
            elif caller is None and fault != "open":
                status = 401
            elif scope["method"] not in ("GET", "HEAD") and fault != "any form":
                status = 405
            elif caller is not None:
                who = Principal(tenant="kit-bank", id="app", role=Role.ADMIN) if fault == "own rights" else None
                try:
                    with site.hr.acting_as(who or caller.principal, purpose="supervision") as desk:
                        names = " ".join(member.name for member in desk.boards.team().members)
                except AccessError:
                    status = 404
            script = "https://cdn.example/x.js" if fault == "cdn" else f"{root}/x.js"
            link = "/elsewhere" if fault == "rooted" else f"{root}/"
            body = f'<!doctype html><script src="{script}"></script><a href="{link}">x</a>{names}'.encode()
            headers = [] if fault == "untyped" else [(b"content-type", b"text/html; charset=utf-8")]
            if fault == "loose":
                headers.append((b"content-security-policy", b"default-src 'self' 'unsafe-inline'"))
            await send({"type": "http.response.start", "status": status, "headers": headers})
            await send({"type": "http.response.body", "body": body})

        return answer

    class Suite(ApplicationConformance):
        def make(self) -> Application:
            titles = {"zh-Hans": "X"} if fault == "moved" else {"en": "X"}
            return Application(name="kit", titles=titles, path="/kit", make=make)

    return Suite()


@pytest.mark.req("H1")
@pytest.mark.parametrize("fault", FAULTS)
def test_each_fault_is_found_by_its_tests(fault: str) -> None:
    for name in FAULTS[fault]:
        with pytest.raises(AssertionError):
            getattr(suite_with(fault), name)()


def test_a_good_application_passes() -> None:
    for name in dir(ApplicationConformance):
        if name.startswith("test_"):
            getattr(suite_with(""), name)()
