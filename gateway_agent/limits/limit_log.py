"""The log of what one unit refuses: once when it is given up, once when it is back."""

from configuration.outage_log import OutageLog
from gateway_agent.limits.learnt import Learnt, registers_text
from gateway_agent.logs import EventLog

_log = EventLog(__name__)


class LimitLog:
    """Logs the changes of the limits of `unit` on `line`."""

    def __init__(self, line: str, unit: str) -> None:
        self._where = {"line": line, "unit": unit}
        self._logged = Learnt()
        self._blocks = OutageLog(_log, "blocks_cut", "blocks_whole_again")

    def note(self, learnt: Learnt) -> None:
        """Log what has changed since the last call."""
        if given_up := learnt.illegal - self._logged.illegal:
            _log.warning("registers_given_up", registers=registers_text(given_up), **self._where)
        if back := self._logged.illegal - learnt.illegal:
            _log.info("registers_answer_again", registers=registers_text(back), **self._where)
        if learnt.borders:
            self._blocks.lost(f"refused across {registers_text(learnt.borders)}", **self._where)
        else:
            self._blocks.back(**self._where)
        self._logged = learnt
