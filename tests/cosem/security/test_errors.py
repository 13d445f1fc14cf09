"""Every refusal answers as its class says, and says nothing more to the peer than the standard asks."""

from __future__ import annotations

import pytest

from cosem.acse import UserDiagnostic
from cosem.initiate import InitiateError
from cosem.security import errors
from cosem.security.errors import AssociationRefused, SecurityError

RESPONSES: list[tuple[SecurityError, str]] = [
    (errors.DecipheringError("the authentication tag is wrong"), "d80205"),
    (errors.ReplayRefused("seen before"), "d80205"),
    (errors.InvocationCounterError(5, 0x0102), "d8020600000102"),
    (errors.CompressionRefused("compressed"), "d80102"),
    (errors.InsufficientProtection("plain"), "d80101"),
    (errors.CounterJumps("without a tag"), "d80101"),
    (errors.GeneralProtectionRefused("not negotiated"), "d80102"),
]
REFUSALS: list[tuple[type[AssociationRefused], UserDiagnostic, InitiateError | None]] = [
    (errors.DedicatedKeyRefused, UserDiagnostic.NO_REASON_GIVEN, InitiateError.OTHER),
    (errors.SystemTitleRefused, UserDiagnostic.CALLING_AP_TITLE_NOT_RECOGNIZED, None),
    (errors.ChallengeRefused, UserDiagnostic.AUTHENTICATION_FAILURE, None),
]


@pytest.mark.parametrize(("error", "response"), RESPONSES, ids=lambda value: type(value).__name__)
def test_a_refused_apdu_is_answered(error: SecurityError, response: str) -> None:
    assert error.response().hex() == response


@pytest.mark.parametrize(("refusal", "diagnostic", "initiate_error"), REFUSALS)
def test_a_refused_association_has_its_diagnostic(
    refusal: type[AssociationRefused], diagnostic: UserDiagnostic, initiate_error: InitiateError | None
) -> None:
    assert (refusal.diagnostic, refusal.initiate_error) == (diagnostic, initiate_error)


def test_the_tables_hold_every_error() -> None:
    def below(error: type[Exception]) -> set[type[Exception]]:
        return {found for direct in error.__subclasses__() for found in {direct} | below(direct)}

    assert below(SecurityError) == {type(error) for error, _ in RESPONSES}
    assert below(AssociationRefused) == {refusal for refusal, *_ in REFUSALS}
