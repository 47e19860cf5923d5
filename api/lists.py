"""How a client asks for a page of any list (contract §11): `?limit=` and `&cursor=`."""

from dataclasses import dataclass
from typing import Annotated, Any

from fastapi import Depends, Query
from pydantic import BaseModel

from desk.database.paging import DEFAULT_LIMIT, MAX_LIMIT


class Page(BaseModel):
    """One page of a list; `next` is the cursor of the following page, null on the last one."""

    items: list[dict[str, Any]]
    next: str | None


@dataclass(frozen=True, slots=True)
class PageRequest:
    """Which page of a list is wanted."""

    limit: Annotated[int, Query(ge=1, le=MAX_LIMIT)] = DEFAULT_LIMIT
    cursor: Annotated[str | None, Query(max_length=128)] = None


WantedPage = Annotated[PageRequest, Depends()]
