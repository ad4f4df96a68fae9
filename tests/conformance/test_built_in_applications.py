"""The built-in pages and interface pass the kit for applications that strangers run."""

from __future__ import annotations

from typing import ClassVar

import pytest

from fieldhr_core.hooks import Application, RegistrationContext
from fieldhr_core.testing import ApplicationConformance
from fieldhr_plugins.console import fieldhr_register_applications
from fieldhr_plugins.console.login import login


def offered(name: str) -> Application:
    return next(one for one in fieldhr_register_applications(RegistrationContext()) if one.name == name)


@pytest.mark.req("H1", "I6")
class TestConsole(ApplicationConformance):
    paths = ("", "alerts", "people/kit-rep", "scores", "trends", "messages", "trust", "plugins", "doctor")
    public = ("console.css", "console.js", "shadow.css")

    def make(self) -> Application:
        return offered("console")

    def plugins(self) -> list[str]:
        return ["fieldhr_plugins.scorecards"]


@pytest.mark.req("H1", "B5")
class TestApi(ApplicationConformance):
    paths = ("session", "people", "alerts", "customers", "openapi.json")
    public = ("openapi.json", "/openapi.json")

    def make(self) -> Application:
        return offered("api")


@pytest.mark.req("H1", "A3")
class TestPhone(ApplicationConformance):
    public = ("", "/", "app.js", "style.css", "sw.js", "manifest.webmanifest", "words.js")

    def make(self) -> Application:
        return offered("phone")


@pytest.mark.req("H1")
class TestLogin(ApplicationConformance):
    public: ClassVar = ("",)

    def make(self) -> Application:
        return Application(name="login", path="/login", make=login(secure=False))
