"""One access of one association to an attribute or a method: what GET, SET, ACTION and ACCESS have in common.

Each function does the whole of it, rights first, and raises the `ServiceError` or `DecodeError` that says why not;
the result on the wire is then `Association.result_of`, and for methods `action_failure`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from .errors import ActionResult, DecodeError, ScopeOfAccessViolated, ServiceError, TypeUnmatched
from .reader import Reader
from .rows import RowBuffer
from .xdlms import AttributeRequest

if TYPE_CHECKING:
    from .association import Association


def read_attribute(association: Association, request: AttributeRequest) -> RowBuffer | bytes:
    """The encoded value of an attribute, or the selection from it that was asked for."""
    bound = association.view.readable(request.descriptor, association.protection)
    association.cost.reading()
    if request.selector is None:
        assert bound.read is not None
        value = bound.read(association.context)
    elif bound.select is None or request.selector not in bound.selectors:
        raise TypeUnmatched(f"no access selector {request.selector}")
    else:
        value = bound.select(association.context, request.selector, Reader(request.parameters))
    association.cost.read(len(value.data) if isinstance(value, RowBuffer) else len(value))
    return value


def write_attribute(association: Association, request: AttributeRequest, value: bytes) -> None:
    """Set an attribute to an encoded value; none can be set in part."""
    bound = association.view.writable(request.descriptor, association.protection)
    if request.selector is not None:
        raise ScopeOfAccessViolated
    bound.write(association.context, Reader(value))


def invoke_method(association: Association, descriptor: bytes, parameter: bytes | None) -> bytes | None:
    """Invoke a method with its encoded parameter; gives the encoded return value, None where it has none."""
    method, invocation = association.view.callable(descriptor, association.protection)
    if parameter is None:
        raise TypeUnmatched("the method has a parameter")
    reader = Reader(parameter)
    value = method.parameter.decode(reader)
    reader.end()
    returned = invocation(association.context, value)
    if method.returns is None:
        return None
    data = method.returns.encode(returned)
    association.cost.read(len(data))
    return data


def action_failure(association: Association, error: Exception, apdu: bytes) -> ActionResult:
    """The action-result of a failed invocation; our own faults are reported."""
    if isinstance(error, ServiceError):
        return error.action_result
    if isinstance(error, DecodeError):
        return ActionResult.TYPE_UNMATCHED
    association.report(error, apdu)
    return ActionResult.OTHER_REASON
