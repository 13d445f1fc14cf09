from .address import ServerAddress
from .frame import Frame, FrameReceiver
from .line import HdlcLine
from .parameters import HdlcParameters

__all__ = ["Frame", "FrameReceiver", "HdlcLine", "HdlcParameters", "ServerAddress"]
