"""The configuration table of the HTTP server (contract §9)."""

import re
from typing import Annotated

from pydantic import Field, field_validator

from configuration.fields import Settings

_LISTEN = re.compile(r"(?:\[[0-9a-fA-F:]+\]|[A-Za-z0-9.-]+):\d{1,5}")


class HttpSettings(Settings):
    """`[http]`: the address of the API and console."""

    listen: Annotated[
        str,
        Field(
            description="Address and TCP port of the API and the console; port 0 takes a free one."
        ),
    ] = "127.0.0.1:8080"

    @field_validator("listen")
    @classmethod
    def _check(cls, listen: str) -> str:
        if _LISTEN.fullmatch(listen) is None or int(listen.rpartition(":")[2]) > 65_535:
            raise ValueError("listen must look like 127.0.0.1:8080")
        return listen

    @property
    def host(self) -> str:
        """The address to listen on."""
        return self.listen.rpartition(":")[0].strip("[]")

    @property
    def port(self) -> int:
        """The TCP port to listen on; 0 takes a free one."""
        return int(self.listen.rpartition(":")[2])
