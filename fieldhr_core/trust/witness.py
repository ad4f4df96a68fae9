"""Where a tenant's setting ``witness`` points: a file, or somebody's server over HTTPS.

A server keeps checkpoints and never takes one back. It answers two requests on one address::

    POST  {address}                  one checkpoint as JSON; 2xx once it is durable, 409 for one that contradicts
    GET   {address}?tenant={tenant}  every checkpoint of the tenant as a JSON list, oldest first
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from urllib.parse import quote, urlsplit

from fieldhr_core.errors import TrustError
from fieldhr_core.trust.audit import Checkpoint, FileWitness, Witness
from fieldhr_core.trust.wire import exchange, require_protected

__all__ = ["HttpWitness", "witness_at"]

#: (method, address, body) -> status, body. Raises OSError where nobody answers.
Send = Callable[[str, str, bytes | None], tuple[int, bytes]]


class HttpWitness:
    """Checkpoints at a server of somebody else's.

    Args:
        address: ``https://...``; ``http://`` only to this machine.
        send: does one request; by default Python's own client, without redirects.

    Raises:
        ConfigError: FHR-CFG-001 for an address that is not protected on its way.
    """

    def __init__(self, address: str, *, send: Send | None = None) -> None:
        require_protected(address, "witness")
        self._address = address
        self._send = send or exchange

    def publish(self, signed: Checkpoint, /) -> None:
        """Hand a checkpoint over; return when the server says it is durable.

        Raises:
            OSError: nobody answers, or the server does not take it.
        """
        body = json.dumps(signed.as_record(), sort_keys=True).encode()
        status, _ = self._send("POST", self._address, body)
        if not 200 <= status < 300:
            raise OSError(None, f"the witness answered {status}")

    def checkpoints(self, tenant: str, /) -> Sequence[Checkpoint]:
        """Return the tenant's checkpoints.

        Raises:
            OSError: nobody answers.
            TrustError: FHR-TRU-003 where the answer cannot be read.
        """
        joint = "&" if urlsplit(self._address).query else "?"
        status, body = self._send("GET", f"{self._address}{joint}tenant={quote(tenant, safe='')}", None)
        if status != 200:
            raise OSError(None, f"the witness answered {status}")
        try:
            records = json.loads(body)
        except ValueError as cause:
            raise TrustError("The answer of the audit witness cannot be read.", code="FHR-TRU-003") from cause
        if not isinstance(records, list) or not all(isinstance(record, dict) for record in records):
            raise TrustError("The answer of the audit witness is no list of checkpoints.", code="FHR-TRU-003")
        return [one for one in map(Checkpoint.from_record, records) if one.tenant == tenant]


def witness_at(place: str) -> Witness:
    """Return the witness at an address or in a file.

    Raises:
        ConfigError: FHR-CFG-001 for an address that is not protected on its way.
    """
    return HttpWitness(place) if "://" in place else FileWitness(place)
