"""A ciphered association in any order of right and wrong: what a peer gets wrong changes nothing."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from cosem import acse, xdlms
from cosem.acse import AssociationResult, Mechanism
from cosem.association import Association, AssociationStatus
from cosem.client import Client
from cosem.data_types import OCTET_STRING
from cosem.security.invocation import Channel, KeyName
from cosem.security.keys import KeyId
from cosem.security.layer import PLAIN
from cosem.security.policy import Direction, Protection, SecurityPolicy, satisfies
from cosem.security.security_context import How
from cosem.security.tags import PROTECTED, Envelope
from cosem.xdlms import AttributeRequest

from .samples import run
from .security.meter import NOTE_VALUE, Meter, association, client
from .security.samples import CLIENT, keys

READ = xdlms.write_get(0xC1, AttributeRequest(NOTE_VALUE.to_bytes()))
HOWS = [PLAIN] + [
    How(protection, envelope)
    for envelope in (Envelope.SERVICE_GLOBAL, Envelope.GENERAL_GLOBAL, Envelope.GENERAL)
    for protection in (
        Protection.AUTHENTICATED,
        Protection.ENCRYPTED,
        Protection.AUTHENTICATED | Protection.ENCRYPTED,
    )
]
POLICIES = [SecurityPolicy.of(1, value) for value in (0, 0x04, 0x08, 0x0C, 0x60)]
WRONG = keys()
WRONG.install(KeyId.GLOBAL_UNICAST, bytes(16))


def write(note: bytes) -> bytes:
    return xdlms.write_set(0xC1, AttributeRequest(NOTE_VALUE.to_bytes()), OCTET_STRING.encode(note))


class CipheredAssociationMachine(RuleBasedStateMachine):
    """The model: status, note, policy, failures, and every APDU that was ever accepted."""

    def __init__(self) -> None:
        super().__init__()
        self.meter = Meter()
        self.server: Association = association(self.meter)
        self.status = AssociationStatus.NON_ASSOCIATED
        self.note = self.meter.note
        self.failures = 0
        self.accepted: list[bytes] = []
        self.unproved: list[bytes] = []
        self.speaking: Client = client()
        self.challenge = b""

    def ask(self, apdu: bytes) -> bytes:
        response = self.server.handle(apdu)
        assert response is not None
        return response

    def next_counter(self) -> int:
        return self.meter.received.last_accepted(Channel(KeyName.UNICAST, CLIENT)) + 1

    def seal(self, apdu: bytes, how: How) -> bytes:
        assert self.speaking.security is not None
        return apdu if how is PLAIN else self.speaking.security.context.seal(apdu, how)

    # --- opening ----------------------------------------------------------------------------------

    @rule(how=st.sampled_from(HOWS))
    def aarq(self, how: How) -> None:
        self.speaking = client(counter=self.next_counter(), initiate=how)
        self.unproved = []
        request = next(self.speaking.associate())
        answer = acse.read_aare(self.ask(request))
        if satisfies(how.protection, self.meter.policy, Direction.REQUEST):
            assert answer.result == AssociationResult.ACCEPTED
            assert answer.authentication_value is not None
            self.challenge = answer.authentication_value
            self.status = AssociationStatus.PENDING
            if how is not PLAIN:  # who only repeats encryption alone may try a proof, which gets it nowhere
                (self.accepted if how.protection & Protection.AUTHENTICATED else self.unproved).append(request)
        else:
            assert answer.result == AssociationResult.REJECTED_PERMANENT
            self.status = AssociationStatus.NON_ASSOCIATED

    @rule()
    def aarq_under_a_wrong_key(self) -> None:
        answer = acse.read_aare(self.ask(next(client(counter=self.next_counter(), held=WRONG).associate())))
        assert answer.result == AssociationResult.REJECTED_PERMANENT
        self.failures += 1
        self.status = AssociationStatus.NON_ASSOCIATED

    @precondition(lambda self: self.status is AssociationStatus.PENDING)
    @rule(right=st.booleans(), how=st.sampled_from(HOWS))
    def pass_3(self, right: bool, how: How) -> None:
        assert self.speaking.security is not None
        proof = self.speaking.security.context.authenticate(self.challenge if right else b"another challenge")
        action = bytes.fromhex("c301c1000f0000280000ff0101") + OCTET_STRING.encode(proof)
        self.ask(self.seal(action, how))
        if satisfies(how.protection, self.meter.policy, Direction.REQUEST):
            self.failures += not right
            if right:
                self.accepted += self.unproved
            self.status = AssociationStatus.ASSOCIATED if right else AssociationStatus.NON_ASSOCIATED

    @rule()
    def open(self) -> None:
        self.speaking = client(counter=self.next_counter())
        run(self.server, self.speaking.associate())
        self.status = AssociationStatus.ASSOCIATED

    @rule(right=st.booleans())
    def release(self, right: bool) -> None:
        if self.status is AssociationStatus.NON_ASSOCIATED:
            return
        assert self.speaking.security is not None
        initiate = self.speaking.security.initiate
        response = self.ask(next(self.speaking.release()) if right else bytes.fromhex("6203800100"))
        protection = initiate.protection if right else Protection.NONE
        enough = satisfies(protection, self.meter.policy, Direction.REQUEST)
        if enough and protection == initiate.protection:
            assert response[0] == acse.RLRE
            self.status = AssociationStatus.NON_ASSOCIATED
        else:
            assert response == bytes.fromhex("d80101")

    @rule()
    def link_lost(self) -> None:
        self.server.reset()
        self.status = AssociationStatus.NON_ASSOCIATED

    # --- services ---------------------------------------------------------------------------------

    @rule(how=st.sampled_from(HOWS), note=st.binary(max_size=8))
    def set(self, how: How, note: bytes) -> None:
        request = self.seal(write(note), how)
        response = self.ask(request)
        enough = satisfies(how.protection, self.meter.policy, Direction.REQUEST)
        if self.status is AssociationStatus.ASSOCIATED and enough:
            self.note = note
            if how is not PLAIN:
                self.accepted.append(request)
                assert response[0] in PROTECTED
        else:
            assert response[0] in {0xD8} | PROTECTED

    @rule(how=st.sampled_from(HOWS[1:]), at=st.integers(0, 10_000), bit=st.integers(0, 7))
    def set_altered(self, how: How, at: int, bit: int) -> None:
        if not how.protection & Protection.AUTHENTICATED:
            return  # nothing but the policy protects what is only encrypted
        request = bytearray(self.seal(write(b"altered"), how))
        request[at % len(request)] ^= 1 << bit
        self.ask(bytes(request))

    @precondition(lambda self: self.accepted)
    @rule(data=st.data())
    def replay(self, data: st.DataObject) -> None:
        request = data.draw(st.sampled_from(self.accepted))
        response = self.ask(request)
        if request[0] == acse.AARQ:
            assert acse.read_aare(response).result == AssociationResult.REJECTED_PERMANENT
            self.status = AssociationStatus.NON_ASSOCIATED
        else:
            assert response[0] == 0xD8

    @rule(tag=st.sampled_from(sorted(PROTECTED)), octets=st.binary(max_size=60))
    def nonsense(self, tag: int, octets: bytes) -> None:
        assert self.ask(bytes((tag,)) + octets)[0] == 0xD8

    @rule(policy=st.sampled_from(POLICIES))
    def policy_changes(self, policy: SecurityPolicy) -> None:
        self.meter.policy = policy

    # --- always -----------------------------------------------------------------------------------

    @invariant()
    def nothing_else_changed(self) -> None:
        assert self.server.status is self.status
        assert self.meter.note == self.note
        assert self.meter.guard.failures == self.failures
        assert self.meter.reports == []


TestCipheredAssociation = CipheredAssociationMachine.TestCase
TestCipheredAssociation.settings = settings(max_examples=60, stateful_step_count=30, deadline=None)


@given(st.binary(max_size=100))
def test_no_octets_in_an_aarq_disturb_a_ciphered_association(octets: bytes) -> None:
    meter = Meter()
    server = association(meter, Mechanism.LOW)
    aarq = acse.write_aarq(acse.ApplicationContext.LN_CIPHERED, octets, b"12345678", calling_ap_title=CLIENT)
    response = server.handle(aarq)
    assert response is not None
    assert acse.read_aare(response).result == AssociationResult.REJECTED_PERMANENT
    assert (server.associated, meter.reports) == (False, [])
