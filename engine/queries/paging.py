"""Pages over the journal, the newest first: the cursor is the place of the last entry shown."""

from engine.domain.errors import ControlError
from engine.journal.journal import Entry
from engine.params import Page


def before(params: Page) -> int | None:
    """Read a cursor as a place in the journal; raises `ControlError` for one that is none."""
    if params.cursor is None:
        return None
    if not params.cursor.isdecimal() or len(params.cursor) > 18:
        raise ControlError(
            "the cursor is not one of this list",
            measured=params.cursor,
            next_step="leave it out for the first page, or give the next_cursor of the page before",
            code="invalid_params",
        )
    return int(params.cursor)


def page(found: list[Entry], limit: int) -> tuple[list[Entry], str | None]:
    """Cut what was found, one more than asked for, into a page and the cursor of the next."""
    shown = found[:limit]
    return shown, str(shown[-1].seq) if len(found) > limit else None
