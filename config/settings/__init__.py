"""The settings: one TOML file, overrides from the environment, secrets from files; wrong ones are refused.

``load`` reads them, ``template`` writes the commented file, ``check`` tells what does not fit together,
``misspelt`` which variables are of no use.
"""

from config.settings.checks import check
from config.settings.loading import load, misspelt
from config.settings.problems import Problem, SettingsError
from config.settings.sections import (
    CodecName,
    DatabaseSettings,
    DirectorySettings,
    EngineSettings,
    HttpSettings,
    IvrSettings,
    LimitsSettings,
    LogSettings,
    MediaSettings,
    MeetingsSettings,
    Network,
    Settings,
    SipSettings,
    WebRtcSettings,
)
from config.settings.template import template
from config.settings.values import Endpoint, Listener, PortRange, Transport

__all__ = [
    "CodecName",
    "DatabaseSettings",
    "DirectorySettings",
    "Endpoint",
    "EngineSettings",
    "HttpSettings",
    "IvrSettings",
    "LimitsSettings",
    "Listener",
    "LogSettings",
    "MediaSettings",
    "MeetingsSettings",
    "Network",
    "PortRange",
    "Problem",
    "Settings",
    "SettingsError",
    "SipSettings",
    "Transport",
    "WebRtcSettings",
    "check",
    "load",
    "misspelt",
    "template",
]
