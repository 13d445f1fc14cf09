"""The HDLC data link of IEC 62056-46: frames, the secondary station and its line, the primary station."""

from .address import ServerAddress
from .frame import Frame, FrameReceiver
from .line import HdlcLine
from .parameters import HdlcParameters
from .primary import HdlcPrimary

__all__ = ["Frame", "FrameReceiver", "HdlcLine", "HdlcParameters", "HdlcPrimary", "ServerAddress"]
