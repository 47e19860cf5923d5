"""How to install the packages that a command lacks."""

from importlib.metadata import version


def install_advice(extra: str) -> str:
    """Return what to do for the packages of `extra`: hearthwatch is in no package index."""
    wheel = f"dist/hearthwatch-{version('hearthwatch')}-py3-none-any.whl"
    return f"install the wheel of `make wheel` with its packages: pip install '{wheel}[{extra}]'"
