"""What can go wrong between a client and its meter, each error with a text for the person who reads it.

An attribute that cannot be read is none of these: that is `cosem.client.AccessFailed`, and the association lives on.
"""

from __future__ import annotations


class ClientError(Exception):
    """Base of all of them."""


class CannotConnect(ClientError):
    """Nobody listens there, the device cannot be opened, or the meter refuses the data link."""


class ConnectionLost(ClientError):
    """The connection was there and is gone."""


class NoAnswer(ClientError):
    """The meter said nothing within the time-out."""


class AssociationRejected(ClientError):
    """The meter refused the association; the text holds its reason."""


class LoginRefused(ClientError):
    """The meter did not take the password."""


class RequestRefused(ClientError):
    """The meter understood and said no, with its reason where it gave one; the client can go on."""


class ProtocolFault(ClientError):
    """The meter answered something that is not what the standard says."""
