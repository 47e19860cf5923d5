"""How every list of the API is asked for (contract §11): `?limit=` and `&cursor=`."""

from typing import Annotated, Any

from fastapi import Query
from pydantic import BaseModel

from desk.database.paging import DEFAULT_LIMIT, MAX_LIMIT

Limit = Annotated[int, Query(ge=1, le=MAX_LIMIT)]
Cursor = Annotated[str | None, Query(max_length=128)]

DEFAULT = DEFAULT_LIMIT


class Page(BaseModel):
    """One page of a list; `next` is the cursor of the following page, null on the last one."""

    items: list[dict[str, Any]]
    next: str | None
