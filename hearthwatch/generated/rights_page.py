"""The rights table as a page, from `desk.accounts.rights`, in both languages."""

from collections.abc import Mapping
from typing import Final

from desk.accounts.rights import (
    ACTS,
    MAY,
    REPORT_FIELDS,
    SEES,
    SEES_ALERT,
    SEES_DETAIL,
    SEES_DEVICE,
    STEP_FIELDS,
    WORDS_OF_A_CALL,
    Fields,
)
from desk.accounts.scope import ROLES, Role

_HEAD: Final = """# Rights 权限

Made from the tables in `desk/accounts/rights.py` by `make format`; `make check` holds it in date.
A role acts within its scope only. What lies outside the scope does not exist (404); what the role
may not do is 403 `not_permitted`. Roles 角色: district 区, town 镇, village 村,
manufacturer 厂家, maintainer 维修队, household 住户,
auditor 审计员, who reads the audit log and nothing else.

由 `desk/accounts/rights.py` 中的表生成。各角色只能在自己的范围内操作：范围之外的一律不存在（404），
无权的操作返回 403 `not_permitted`。审计员只读审计日志。"""

_ACTS_ZH: Final[Mapping[str, str]] = {
    "report": "报修",
    "dispatch": "派单",
    "arrive": "到场",
    "repair": "修复",
    "verify": "核实",
    "close": "办结",
    "reopen": "重新打开",
    "cancel": "取消",
    "note": "备注",
    "acknowledge": "确认报警",
    "shelve": "暂搁报警",
    "take_out_of_service": "停用设备",
    "put_back_in_service": "恢复设备",
}


def page() -> str:
    """The page: who may do what with which fields, who sees which field."""
    parts = [
        _HEAD,
        "## Acts, and the fields that a role may set 操作与可填字段\n\n" + _acts(),
        "## Fields of a ticket 工单字段\n\n" + _sees(SEES) + "\n\n" + _words(),
        "## Details of events 记录明细\n\n" + _sees(SEES_DETAIL),
        "## Fields of an alert 报警字段\n\n" + _sees(SEES_ALERT),
        "## Fields of a device 设备字段\n\n" + _sees(SEES_DEVICE),
    ]
    return "\n\n".join(parts) + "\n"


def _acts() -> str:
    rows = [[f"{act} {_ACTS_ZH[act]}", *(_cell(act, role) for role in ROLES)] for act in ACTS]
    return _table(["act 操作", *ROLES], rows)


def _cell(act: str, role: str) -> str:
    by_role: Mapping[str, frozenset[str]] = {str(by): each for by, each in _may(act).items()}
    fields = by_role.get(role)
    if fields is None:
        return "–"
    if fields in (STEP_FIELDS, REPORT_FIELDS):
        return "✓ all 全部"
    return "✓ " + ", ".join(sorted(fields)) if fields else "✓"


def _may(act: str) -> Mapping[Role, Fields]:
    return next(rights for name, rights in MAY.items() if name == act)


def _sees(table: Mapping[str, frozenset[str]]) -> str:
    rows = [
        [name, *("✓" if role in roles else "–" for role in ROLES)] for name, roles in table.items()
    ]
    return _table(["field 字段", *ROLES], rows)


def _words() -> str:
    names = ", ".join(f"`{name}`" for name in WORDS_OF_A_CALL)
    return f"A manufacturer sees {names} of tickets from telemetry only. 厂家只看遥测工单的这两项。"


def _table(head: list[str], rows: list[list[str]]) -> str:
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)
