"""Typed settings from one TOML file and the environment; unknown keys are refused.

Builds nothing and opens nothing. Every refusal names the line or the variable to change.
"""

from penstock.errors import nearest
from penstock.settings.loading import load
from penstock.settings.sections import (
    CallbackSettings,
    CommandSettings,
    ExecSettings,
    HttpSettings,
    QueueSettings,
    RunnerSettings,
    ServerSettings,
    Settings,
    StoreSettings,
    development,
)

__all__ = [
    "CallbackSettings",
    "CommandSettings",
    "ExecSettings",
    "HttpSettings",
    "QueueSettings",
    "RunnerSettings",
    "ServerSettings",
    "Settings",
    "StoreSettings",
    "development",
    "load",
    "nearest",
]
