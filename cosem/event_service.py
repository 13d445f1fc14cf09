"""News of an attribute that a server tells its client unasked: EventNotification (Green Book 9.3.11), InformationReport
(9.3.17) where names are short.

| what the association negotiated | what is sent |
|---|---|
| event-notification | EventNotification with date-time, descriptor and value |
| information-report | InformationReport with the time as GeneralizedTime, short name and value |
| neither, or it is not open | nothing |

It is protected as the InitiateRequest was, and at least as the policy asks of responses (ours: documents bind a
response to its request, and here is none). What the client may not read with that protection, what cannot be protected
so, and what is longer than the client takes is not sent.
"""

from __future__ import annotations

from typing import Final

from .association import Association
from .date_time import DateTime
from .errors import ServiceError
from .notification import EVENT_NOTIFICATION, EventNotification, read_event_notification, write_event_notification
from .rows import RowBuffer
from .security.errors import SecurityError
from .security.tags import DEDICATED_TAGS, GLOBAL_TAGS
from .short_names.apdus import (
    INFORMATION_REPORT,
    InformationReport,
    Variable,
    read_information_report,
    write_information_report,
)
from .xdlms import Descriptor

Event = EventNotification | InformationReport

_PLAIN_TAGS: Final = (EVENT_NOTIFICATION, INFORMATION_REPORT)
EVENT_TAGS: Final = frozenset(
    tags[plain] for plain in _PLAIN_TAGS for tags in ({plain: plain}, GLOBAL_TAGS, DEDICATED_TAGS)
)
"""First octets of APDUs that are no answer to anything. One that is signed has a general tag and is not told apart."""


def event_apdu(association: Association, attribute: Descriptor, moment: DateTime) -> bytes | None:
    """The APDU that tells the client the present value of an attribute; None where there is nothing to send.

    `moment` is local and complete. What fails in the source of the value is raised.
    """
    if not association.hears_events:
        return None
    layer, protection = association.layer, 0
    try:
        how = None if layer is None else layer.of_event()
        if layer is not None and how is not None:
            protection = layer.protection(how)
        bound = association.view.readable(attribute.to_bytes(), protection)
        assert bound.read is not None
        read = bound.read(association.context)
        apdu = _plain(association, attribute, moment, bytes(read.data) if isinstance(read, RowBuffer) else read)
        if layer is not None and how is not None:
            apdu = layer.protect(apdu, how)
    except (SecurityError, ServiceError):
        return None
    return apdu if len(apdu) <= association.most_octets else None


def _plain(association: Association, attribute: Descriptor, moment: DateTime, value: bytes) -> bytes:
    assert association.definition is not None
    if association.definition.context.long_names:
        return write_event_notification(EventNotification(moment.to_bytes(), attribute, value))
    name = association.short_names.name_of(attribute)
    time = moment.to_datetime().strftime("%Y%m%d%H%M%S")
    return write_information_report(InformationReport(time, [Variable(name)], [value]))


def read_event(apdu: bytes) -> Event:
    """Read a plain event of either kind; raises `DecodeError`."""
    return read_information_report(apdu) if apdu[:1] == bytes((INFORMATION_REPORT,)) else read_event_notification(apdu)
