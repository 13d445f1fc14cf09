"""What can go wrong in the application layer, each error carrying its answer on the wire.

Three families, and the policy of a request in one place:

* `DecodeError`: the peer's octets are not what the standard says. Answered with an
  exception-response (or a rejected association), the association lives on.
* `ServiceError` subclasses: the request is well-formed but cannot be served. The class carries the
  `DataAccessResult` and `ActionResult` that the answer holds.
* anything else is our own fault: reported with the peer, answered `other-reason`, the server lives on.
"""

from __future__ import annotations

from enum import IntEnum
from typing import ClassVar


class DataAccessResult(IntEnum):
    """Result of a GET or SET on one attribute (Green Book 9.5)."""

    SUCCESS = 0
    HARDWARE_FAULT = 1
    TEMPORARY_FAILURE = 2
    READ_WRITE_DENIED = 3
    OBJECT_UNDEFINED = 4
    OBJECT_CLASS_INCONSISTENT = 9
    OBJECT_UNAVAILABLE = 11
    TYPE_UNMATCHED = 12
    SCOPE_OF_ACCESS_VIOLATED = 13
    DATA_BLOCK_UNAVAILABLE = 14
    LONG_GET_ABORTED = 15
    NO_LONG_GET_IN_PROGRESS = 16
    LONG_SET_ABORTED = 17
    NO_LONG_SET_IN_PROGRESS = 18
    DATA_BLOCK_NUMBER_INVALID = 19
    OTHER_REASON = 250


class ActionResult(IntEnum):
    """Result of an ACTION on one method (Green Book 9.5)."""

    SUCCESS = 0
    HARDWARE_FAULT = 1
    TEMPORARY_FAILURE = 2
    READ_WRITE_DENIED = 3
    OBJECT_UNDEFINED = 4
    OBJECT_CLASS_INCONSISTENT = 9
    OBJECT_UNAVAILABLE = 11
    TYPE_UNMATCHED = 12
    SCOPE_OF_ACCESS_VIOLATED = 13
    DATA_BLOCK_UNAVAILABLE = 14
    LONG_ACTION_ABORTED = 15
    NO_LONG_ACTION_IN_PROGRESS = 16
    OTHER_REASON = 250


class DecodeError(ValueError):
    """The peer's octets do not follow the encoding: what was found, where, what was expected."""

    def __init__(self, message: str, position: int | None = None) -> None:
        super().__init__(message if position is None else f"{message} at octet {position}")
        self.position = position


class ServiceError(Exception):
    """A well-formed request that cannot be served; the class carries the result on the wire."""

    result: ClassVar[DataAccessResult] = DataAccessResult.OTHER_REASON
    action_result: ClassVar[ActionResult] = ActionResult.OTHER_REASON


class ReadWriteDenied(ServiceError):
    """The association has no such right on the attribute or method."""

    result = DataAccessResult.READ_WRITE_DENIED
    action_result = ActionResult.READ_WRITE_DENIED


class ObjectUndefined(ServiceError):
    """No such logical name, attribute or method is visible in this association."""

    result = DataAccessResult.OBJECT_UNDEFINED
    action_result = ActionResult.OBJECT_UNDEFINED


class ObjectClassInconsistent(ServiceError):
    """The logical name exists, with another class."""

    result = DataAccessResult.OBJECT_CLASS_INCONSISTENT
    action_result = ActionResult.OBJECT_CLASS_INCONSISTENT


class ObjectUnavailable(ServiceError):
    """What the request names is not there, or not now."""

    result = DataAccessResult.OBJECT_UNAVAILABLE
    action_result = ActionResult.OBJECT_UNAVAILABLE


class TypeUnmatched(ServiceError):
    """The written value or parameter is of another type than the attribute or method has."""

    result = DataAccessResult.TYPE_UNMATCHED
    action_result = ActionResult.TYPE_UNMATCHED


class ScopeOfAccessViolated(ServiceError):
    """The selection or the value lies outside what the object allows."""

    result = DataAccessResult.SCOPE_OF_ACCESS_VIOLATED
    action_result = ActionResult.SCOPE_OF_ACCESS_VIOLATED


class TemporaryFailure(ServiceError):
    """The request is right and may succeed later."""

    result = DataAccessResult.TEMPORARY_FAILURE
    action_result = ActionResult.TEMPORARY_FAILURE


class OtherReason(ServiceError):
    """None of the other results fits."""
