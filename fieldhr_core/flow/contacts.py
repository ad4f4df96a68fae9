"""One click from an alert to a person: links that call or write to them, from how they are reached at work."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final
from urllib.parse import quote

from fieldhr_core.model import ContactLink

__all__ = ["contact_links"]

_NUMBER: Final = re.compile(r"\+?[0-9][0-9 ()./-]{1,28}[0-9]")
_ADDRESS: Final = re.compile(r"[^\s@<>\"',;:]{1,64}@[^\s@<>\"',;:/]{1,255}")
_IDENT: Final = re.compile(r"[A-Za-z0-9._@$+=-]{1,128}")

#: Kind of contact -> (kind of link, beginning of what opens a conversation with that id in the app).
_APPS: Final[Mapping[str, tuple[str, str]]] = {
    "dingtalk": ("dingtalk", "dingtalk://dingtalkclient/action/sendmsg?dingtalk_id="),
    "wecom": ("wecom", "wxwork://message?username="),
    "feishu": ("feishu", "https://applink.feishu.cn/client/chat/open?openId="),
}


def contact_links(contact: Mapping[str, str]) -> tuple[ContactLink, ...]:
    """Return a link a way of reaching somebody; what is no number, address or id makes none.

    Args:
        contact: kind -> value, as in :class:`fieldhr_core.model.Person`.
    """
    links: list[ContactLink] = []
    phone = contact.get("phone", "").strip()
    if _NUMBER.fullmatch(phone):
        number = re.sub(r"[ ()./-]", "", phone)
        links += [
            ContactLink(kind="call", href=f"tel:{number}", label=phone),
            ContactLink(kind="sms", href=f"sms:{number}", label=phone),
        ]
    email = contact.get("email", "").strip()
    if _ADDRESS.fullmatch(email):
        links.append(ContactLink(kind="mail", href=f"mailto:{quote(email, safe='@')}", label=email))
    for kind, (name, start) in _APPS.items():
        ident = contact.get(kind, "").strip()
        if _IDENT.fullmatch(ident):
            links.append(ContactLink(kind=name, href=f"{start}{quote(ident, safe='')}", label=ident))
    return tuple(links)
