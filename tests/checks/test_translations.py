"""Pages and their translations."""

from pathlib import Path

import pytest

from checks import translations
from tests.checks.tree import write

ENGLISH = """# Guide

## Start
```sh
make demo     # everything
```
### More
```
 a picture
```
"""
CHINESE = """# 手册

## 开始
```sh
make demo  # 全部
```
### 更多
```
 一张图
```
"""
PAGES = {
    "README.md": ENGLISH,
    "README.zh-CN.md": CHINESE,
    "docs/operator-guide.md": ENGLISH,
    "docs/operator-guide.zh-CN.md": CHINESE,
}


def test_the_same_sections_and_code_pass(tmp_path: Path) -> None:
    assert translations.main(write(tmp_path, PAGES)) == 0


@pytest.mark.parametrize(
    ("old", "new", "difference"),
    [
        ("### 更多\n", "", 'heading 3 "More" is missing'),
        ("### 更多", "## 更多", 'heading 3 "更多" has level 2, not 3'),
        ("### 更多", "### 更多\n### 再多", 'heading 4 "再多" has no original'),
        ("make demo", "make test", "code block 1 differs: `make test`, not `make demo`"),
        ("```sh", "```toml", "code block 1 differs: `toml`, not `sh`"),
        ("```\n 一张图\n```\n", "", "1 code blocks, not 2"),
    ],
)
def test_a_difference_fails(
    tmp_path: Path, old: str, new: str, difference: str, capsys: pytest.CaptureFixture[str]
) -> None:
    changed = {**PAGES, "README.zh-CN.md": CHINESE.replace(old, new)}
    assert translations.main(write(tmp_path, changed)) == 1
    assert f"README.zh-CN.md: {difference}" in capsys.readouterr().out


@pytest.mark.parametrize("missing", ["README.md", "docs/operator-guide.zh-CN.md"])
def test_a_missing_page_fails(
    tmp_path: Path, missing: str, capsys: pytest.CaptureFixture[str]
) -> None:
    files = {name: text for name, text in PAGES.items() if name != missing}
    assert translations.main(write(tmp_path, files)) == 1
    assert f"{missing}: there is no such file" in capsys.readouterr().out


def test_any_other_translation_is_compared(tmp_path: Path) -> None:
    more = {**PAGES, "docs/other.zh-CN.md": CHINESE}
    assert translations.main(write(tmp_path, more)) == 1
    assert translations.main(write(tmp_path, {"docs/other.md": ENGLISH})) == 0
