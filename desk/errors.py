"""Why an act on the desk's things is refused; `code` is stable, the message says what to do."""


class NotFoundError(LookupError):
    """There is no such thing within the caller's scope."""


class ConflictError(Exception):
    """The thing is not as the caller believes; `code` is stable.

    It is `stale_version`, `case_open` or `alert_active`.
    """

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


class ActRefusedError(ValueError):
    """An act that the thing's state, a bound or the caller's role does not allow.

    `code` is `not_active`, `reason_missing`, `out_of_bounds`, `supervisor_needed`,
    `ambiguous_gateway`, `already_decided`, `decided_by_list` or `not_permitted`.
    """

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code
