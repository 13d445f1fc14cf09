"""The security of one association, sans-I/O: protected APDU in, plain APDU and how it was protected out, and back.

Both sides use the same object; server and client differ in the titles and keys they give it. Opening goes through these
steps, and the first that fails decides, with nothing changed:

1. the envelope is decoded (`DecodeError`), its titles are ours and the peer's;
2. security control: the suite in force, some protection, no compression;
3. the key: named by the envelope, unwrapped or agreed;
4. the counter is above the last one accepted under that key (`InvocationCounterError`);
5. the content is deciphered and its tag compared (`DecipheringError`);
6. what came out is an APDU that the envelope may hold; a signed one inside is verified;
7. now the counter moves.

An envelope may hold a signed APDU (signed first, then ciphered, as the Green Book asks) and nothing deeper; a signed
APDU holds a plain one. Whether the protection is enough is the policy's to say, not ours: `policy.satisfies`.

| envelope | key | counter |
|---|---|---|
| glo, general-glo | global unicast; broadcast where bit 6 of SC says so | the key's |
| ded, general-ded | dedicated, bit 6 clear (ours) | by a digest of the key |
| general-ciphering, identified | global unicast or broadcast; bit 6 is not looked at | the key's |
| general-ciphering, wrapped or agreed | of this APDU, from then on known to both | of all wrapped, of all agreed keys |
| general-ciphering without key-info | the last one wrapped or agreed in this association, by either side | the same |

The peer has proved itself (`proved`) with the first tag, signature or proof that was right. Until then encryption
alone moves no standing counter, only one of this association; whether it is served is for `SecurityLayer` to say.

What we send takes its counter from one `SendCounter`, whatever the key: so no two APDUs share an IV, even where a peer
brings a key back, be it the dedicated key of an association long ago. Responses go as requests came:
`seal(response, opened.how.of_answer)`.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from typing import Final, NamedTuple

from ..errors import DecodeError
from ..reader import Reader
from . import envelopes
from .envelopes import Content, GeneralCiphering, Header, IdentifiedKey, KeyInfo
from .errors import (
    DecipheringError,
    DedicatedKeyRefused,
    InvocationCounterError,
    KeyRefused,
    SystemTitleRefused,
)
from .gcm import TAG_SIZE, BlockCipherKey, initialization_vector
from .invocation import Channel, KeyName, ReceiveCounters, SendCounter
from .key_establishment import AsymmetricKeys, EstablishedKey, KeyChoice, KeyEstablishment, choice_of
from .keys import KeyId, Keys
from .policy import Protection
from .security_control import AUTHENTICATED, BROADCAST, COMPRESSED, ENCRYPTED, SUITE_MASK, check, control_octet
from .suites import SUITES
from .tags import (
    CARRIED,
    CIPHERED_SERVICES,
    DEDICATED_TAGS,
    GENERAL_CIPHERING,
    GENERAL_DED_CIPHERING,
    GENERAL_GLO_CIPHERING,
    GENERAL_SIGNING,
    GLOBAL_TAGS,
    Envelope,
)

_CIPHERING: Final = int(Protection.AUTHENTICATED | Protection.ENCRYPTED)
_SIGNED: Final = int(Protection.SIGNED)


class How(NamedTuple):
    """How an APDU came, or shall go. `key` and `transaction_id` matter to the general APDUs only."""

    protection: Protection
    envelope: Envelope
    broadcast: bool = False
    key: KeyChoice = KeyChoice.IDENTIFIED
    transaction_id: bytes = b""

    @property
    def of_answer(self) -> How:
        """How the answer to an APDU goes that came like this: the same way, but only clients broadcast."""
        return self._replace(broadcast=False) if self.broadcast else self


Accept = Callable[[], None]
"""Moves the counter of something that was opened, so that it is not taken again."""


class Opened(NamedTuple):
    """A plain APDU and how it came."""

    apdu: bytes
    how: How

    def __repr__(self) -> str:
        """Silent: what was deciphered."""
        return "Opened(…)"


_STANDING: Final = {
    (envelope, control): How(Protection(control >> 4 & 3), envelope, bool(control & BROADCAST))
    for envelope in Envelope
    for control in range(COMPRESSED)
    if control & SUITE_MASK in SUITES and control & (AUTHENTICATED | ENCRYPTED)
}
"""How an APDU under a standing key came, by envelope and by every security control that some suite accepts."""


class SecurityContext:
    """Opens and seals the APDUs of one association.

    `sent` counts what goes out under our title, `received` what comes in: both outlive the association. `random` is the
    source of wrapped and ephemeral keys. Raises `SystemTitleRefused` for titles that cannot be.
    """

    def __init__(
        self,
        keys: Keys,
        own_title: bytes,
        peer_title: bytes,
        sent: SendCounter,
        received: ReceiveCounters,
        random: Callable[[int], bytes],
        asymmetric: AsymmetricKeys | None = None,
    ) -> None:
        for title in (own_title, peer_title):
            if len(title) != envelopes.TITLE_SIZE:
                raise SystemTitleRefused(f"a system title of {len(title)} octets ({envelopes.TITLE_SIZE} expected)")
        if own_title == peer_title:
            raise SystemTitleRefused("the peer uses our own system title")
        self.keys = keys
        self.own_title = own_title
        self.peer_title = peer_title
        self.asymmetric = asymmetric or AsymmetricKeys()
        self._sent = sent
        self._received = received
        self._unicast = Channel(KeyName.UNICAST, peer_title)
        self._broadcast = Channel(KeyName.BROADCAST, peer_title)
        self.proved = False
        """Whether the peer has shown that it holds a key or secret, by something that cannot be guessed."""
        self._unproved: dict[Channel, int] = {}
        self._dedicated: EstablishedKey | None = None
        self._establishment = KeyEstablishment(keys, self.asymmetric, own_title, peer_title, random)

    def use_dedicated_key(self, key: bytes, how: How | None) -> None:
        """Take the dedicated key of an InitiateRequest, which came as `how` says, None for plain.

        Raises `DedicatedKeyRefused` unless the request was authenticated and encrypted and the length is the suite's.
        """
        if how is None or ~int(how.protection) & _CIPHERING:
            raise DedicatedKeyRefused("a dedicated key in an InitiateRequest that is not authenticated and encrypted")
        try:
            self._dedicated = self._establishment.ready(key)
        except KeyRefused as refused:
            raise DedicatedKeyRefused(str(refused)) from None

    # --- what comes in ------------------------------------------------------------------------------

    def open(self, apdu: bytes) -> Opened:
        """A protected APDU made plain; raises `SecurityError`, or `DecodeError` where it does not decode."""
        reader = Reader(apdu)
        tag = reader.u8()
        service = CIPHERED_SERVICES.get(tag)
        if service is not None:
            envelopes.read_last_length(reader)
            return self._open_standing(service[0], envelopes.read_content(reader), service[1])
        if tag in (GENERAL_GLO_CIPHERING, GENERAL_DED_CIPHERING):
            title, content = envelopes.read_general(reader)
            self._from_peer(title)
            envelope = Envelope.GENERAL_GLOBAL if tag == GENERAL_GLO_CIPHERING else Envelope.GENERAL_DEDICATED
            return self._open_standing(envelope, content, None)
        if tag == GENERAL_CIPHERING:
            return self._open_general(envelopes.read_general_ciphering(reader))
        if tag == GENERAL_SIGNING:
            return self._open_signed(reader)
        raise DecodeError(f"a protected APDU expected, found tag 0x{tag:02x}", 0)

    def _open_standing(self, envelope: Envelope, content: Content, plain: int | None) -> Opened:
        check(content.control, self.keys.suite)
        how = _STANDING[envelope, content.control]
        if envelope is Envelope.SERVICE_DEDICATED or envelope is Envelope.GENERAL_DEDICATED:
            if how.broadcast:
                raise DecipheringError("the broadcast key set with a dedicated key")
            if self._dedicated is None:
                raise DecipheringError("there is no dedicated key")
            return self._open_established(self._dedicated, content, self.keys.authentication, how, plain)
        return self._open_global(content, self.keys.authentication, how, plain)

    def _open_general(self, apdu: GeneralCiphering) -> Opened:
        header, content = apdu.header, apdu.content
        self._from_peer(header.originator)
        self._for_us(header.recipient)
        check(content.control, self.keys.suite)
        associated = self.keys.authentication + apdu.header_octets
        protection = Protection(content.control >> 4 & 3)
        how = How(protection, Envelope.GENERAL, False, choice_of(apdu.key_info), header.transaction_id)
        if isinstance(apdu.key_info, IdentifiedKey):
            how = how._replace(broadcast=apdu.key_info.key_id is KeyId.GLOBAL_BROADCAST)
            return self._open_global(content, associated, how, None)
        try:
            established = self._establishment.of_peer(apdu.key_info, header.transaction_id)
        except KeyRefused as refused:
            raise DecipheringError(str(refused)) from None
        opened = self._open_established(established, content, associated, how, None)
        self._establishment.establish(established)
        return opened

    def _open_global(self, content: Content, associated: bytes, how: How, plain: int | None) -> Opened:
        """Decipher with a global key, which counts for itself."""
        cipher, channel = self._global(how.broadcast)
        if cipher is None:
            raise DecipheringError("there is no broadcast key")
        return self._open_counted(cipher, channel, content, associated, how, plain)

    def _open_counted(
        self, cipher: BlockCipherKey, channel: Channel, content: Content, associated: bytes, how: How, plain: int | None
    ) -> Opened:
        """Decipher what a standing counter counts."""
        control, counter, sealed = content
        self._received.check(channel, counter)
        if not control & AUTHENTICATED:
            self._check_untagged(channel, counter)
        text = cipher.open(control, initialization_vector(self.peer_title, counter), sealed, associated)
        opened = self._inside(text, how, plain)
        if self.proved:
            self._received.accept(channel, counter)
        elif control & AUTHENTICATED:
            self.prove()
            self._received.accept(channel, counter)
        else:
            self._unproved[channel] = counter + 1
        return opened

    def _check_untagged(self, channel: Channel, counter: int) -> None:
        lowest = self._unproved.get(channel, 0)
        if counter < lowest:
            raise InvocationCounterError(counter, lowest)
        self._received.check_jump(channel, counter)

    def prove(self) -> None:
        """The peer has proved itself: what encryption alone brought before was its own and counts."""
        self.proved = True
        unproved, self._unproved = self._unproved, {}
        for channel, lowest in unproved.items():
            self._received.accept(channel, lowest - 1)

    def _open_established(
        self, key: EstablishedKey, content: Content, associated: bytes, how: How, plain: int | None
    ) -> Opened:
        """Decipher with a key of this association, counted by its digest, or of this APDU."""
        if key.name is not None:
            return self._open_counted(key.cipher, Channel(key.name, self.peer_title), content, associated, how, plain)
        control, counter, sealed = content
        self._received.check_once(key.digest, counter)
        text = key.cipher.open(control, initialization_vector(self.peer_title, counter), sealed, associated)
        opened = self._inside(text, how, plain)
        self._received.accept_once(key.digest, counter)
        return opened

    def _open_signed(self, reader: Reader) -> Opened:
        apdu = envelopes.read_general_signing(reader)
        digest = hashlib.sha256(b"signed" + apdu.signed).digest()
        opened = self._signed(apdu, How(Protection.NONE, Envelope.NONE))
        channel = Channel(KeyName.SIGNED, self.peer_title)
        self._received.accept_signed(channel, apdu.header.transaction_id, digest)
        self.prove()
        return opened

    def _inside(self, text: bytes, how: How, plain: int | None) -> Opened:
        """What an envelope held: an APDU with the tag `plain`; where None, any plain one or a signed one to verify."""
        tag = text[0] if text else -1
        if tag == plain or (plain is None and tag in CARRIED):
            return Opened(text, how)
        if plain is None and tag == GENERAL_SIGNING:
            reader = Reader(text)
            reader.u8()
            try:
                return self._signed(envelopes.read_general_signing(reader), how)
            except DecodeError as error:
                raise DecipheringError(f"the signed APDU inside: {error}") from None
        raise DecipheringError(f"no APDU that {how.envelope} holds: tag {text[:1].hex() or 'missing'}")

    def _signed(self, apdu: envelopes.GeneralSigning, how: How) -> Opened:
        header = apdu.header
        self._from_peer(header.originator)
        self._for_us(header.recipient)
        signer = self.asymmetric.peer_signing
        if signer is None:
            raise DecipheringError("the peer has no signing key")
        if not signer.verify(apdu.signed, apdu.signature):
            raise DecipheringError("the signature is wrong")
        if not apdu.content or apdu.content[0] not in CARRIED:
            raise DecipheringError(f"no APDU to be found in general-signing: tag {apdu.content[:1].hex() or 'missing'}")
        protection = how.protection | Protection.SIGNED
        return Opened(
            apdu.content,
            how._replace(protection=protection, transaction_id=header.transaction_id or how.transaction_id),
        )

    def _from_peer(self, title: bytes) -> None:
        if title and title != self.peer_title:
            raise DecipheringError(f"an APDU of {title.hex()} ({self.peer_title.hex()} expected)")

    def _for_us(self, title: bytes) -> None:
        if title and title != self.own_title:
            raise DecipheringError(f"an APDU for {title.hex()} (we are {self.own_title.hex()})")

    def _global(self, broadcast: bool) -> tuple[BlockCipherKey | None, Channel]:
        if broadcast:
            return self.keys.broadcast, self._broadcast
        return self.keys.unicast, self._unicast

    # --- what goes out ------------------------------------------------------------------------------

    def check_sealing(self, how: How) -> None:
        """Raise what ciphering as `how` says would: `KeyRefused`, `CounterExhausted`. Nothing is drawn or counted."""
        self._sent.check()
        if how.key is not KeyChoice.IDENTIFIED:
            self._establishment.check(how.key)
        elif how.broadcast and self.keys.broadcast is None:
            raise KeyRefused("there is no broadcast key")

    def seal(self, apdu: bytes, how: How) -> bytes:
        """Protect a plain APDU. Raises `KeyRefused` where a key is missing that `how` asks for.

        Service-specific envelopes hold only the services that have tags for them (`tags.SERVICES`), unsigned.
        """
        envelope = how.envelope
        protection = int(how.protection)  # a plain number: enumerations are slow to compute with
        assert (envelope is Envelope.NONE) == (not protection & _CIPHERING), f"no envelope is {how}"
        if protection & _SIGNED:
            apdu = self._sign(apdu, how.transaction_id)
        if envelope is Envelope.NONE:
            return apdu
        if envelope is Envelope.GENERAL:
            return self._seal_general(apdu, how)
        if envelope is Envelope.SERVICE_DEDICATED or envelope is Envelope.GENERAL_DEDICATED:
            cipher = None if self._dedicated is None else self._dedicated.cipher
        else:
            cipher = self._global(how.broadcast)[0]
        content = self._content(cipher, how, apdu, self.keys.authentication)
        if envelope is Envelope.SERVICE_GLOBAL:
            return envelopes.write_service(GLOBAL_TAGS[apdu[0]], content)
        if envelope is Envelope.SERVICE_DEDICATED:
            return envelopes.write_service(DEDICATED_TAGS[apdu[0]], content)
        tag = GENERAL_DED_CIPHERING if envelope is Envelope.GENERAL_DEDICATED else GENERAL_GLO_CIPHERING
        return envelopes.write_general(tag, self.own_title, content)

    def _content(self, cipher: BlockCipherKey | None, how: How, apdu: bytes, associated: bytes) -> Content:
        if cipher is None:
            raise KeyRefused(f"there is no key for {how.envelope}")
        broadcast = how.broadcast and how.envelope is not Envelope.GENERAL
        control = control_octet(self.keys.suite.number, how.protection, broadcast)
        counter = self._sent.next()
        iv = initialization_vector(self.own_title, counter)
        return Content(control, counter, cipher.seal(control, iv, apdu, associated))

    def _seal_general(self, apdu: bytes, how: How) -> bytes:
        header = Header(how.transaction_id, self.own_title, self.peer_title).to_bytes()
        key_info: KeyInfo | None
        cipher: BlockCipherKey | None
        if how.key is KeyChoice.IDENTIFIED:
            key_info = IdentifiedKey(KeyId.GLOBAL_BROADCAST if how.broadcast else KeyId.GLOBAL_UNICAST)
            cipher = self._global(how.broadcast)[0]
        else:
            key_info, cipher = self._establishment.of_ours(how.key, how.transaction_id)
        content = self._content(cipher, how, apdu, self.keys.authentication + header)
        return envelopes.write_general_ciphering(header, key_info, content)

    def _sign(self, apdu: bytes, transaction_id: bytes) -> bytes:
        if self.asymmetric.signing is None:
            raise KeyRefused("there is no signing key")
        signed = envelopes.to_be_signed(Header(transaction_id, self.own_title, self.peer_title), apdu)
        return envelopes.write_general_signing(signed, self.asymmetric.signing.sign(signed))

    # --- data of Data protection --------------------------------------------------------------------

    def open_data(self, content: Content, key_info: KeyInfo, transaction_id: bytes) -> tuple[bytes, Accept]:
        """Data that the peer protected apart from their APDU, and what to call once all their protections are off.

        Security control and authentication key are authenticated, and no other field: so GBCS meters do it. Raises
        `SecurityError` or `KeyRefused`.
        """
        check(content.control, self.keys.suite)
        control, counter, sealed = content
        iv = initialization_vector(self.peer_title, counter)
        if isinstance(key_info, IdentifiedKey):
            cipher, standing = self._global(key_info.key_id is KeyId.GLOBAL_BROADCAST)
            channel = standing._replace(key=standing.key.of_data)
            if cipher is None:
                raise DecipheringError("there is no broadcast key")
            self._check_data(channel, control, counter)
            text = cipher.open(control, iv, sealed, self.keys.authentication)
            return text, lambda: self._received.accept(channel, counter)
        key = self._establishment.of_peer(key_info, transaction_id)
        assert key.name is not None
        channel = Channel(key.name.of_data, self.peer_title)
        self._check_data(channel, control, counter)
        text = key.cipher.open(control, iv, sealed, self.keys.authentication)

        def accept() -> None:
            self._establishment.establish(key)
            self._received.accept(channel, counter)

        return text, accept

    def _check_data(self, channel: Channel, control: int, counter: int) -> None:
        self._received.check(channel, counter)
        if not control & AUTHENTICATED:
            self._received.check_jump(channel, counter)

    def seal_data(self, data: bytes, how: How) -> tuple[KeyInfo, Content]:
        """Protect data apart from their APDU; gives the key-info that the peer needs. Raises `KeyRefused`.

        `how` is as for general-ciphering, without `KeyChoice.KNOWN`: data always name their key.
        """
        key_info: KeyInfo | None
        if how.key is KeyChoice.IDENTIFIED:
            key_info = IdentifiedKey(KeyId.GLOBAL_BROADCAST if how.broadcast else KeyId.GLOBAL_UNICAST)
            cipher = self._global(how.broadcast)[0]
        else:
            key_info, cipher = self._establishment.of_ours(how.key, how.transaction_id)
        assert key_info is not None
        return key_info, self._content(cipher, how, data, self.keys.authentication)

    def check_signing(self) -> None:
        """Raise `KeyRefused` where there is no signing key."""
        if self.asymmetric.signing is None:
            raise KeyRefused("there is no signing key")

    def sign_data(self, signed: bytes) -> bytes:
        """Our signature over data with their header; raises `KeyRefused`."""
        if self.asymmetric.signing is None:
            raise KeyRefused("there is no signing key")
        return self.asymmetric.signing.sign(signed)

    def verify_data(self, signed: bytes, signature: bytes, transaction_id: bytes) -> Accept:
        """Raise `DecipheringError` unless the peer has signed this; what to call then refuses it the second time."""
        signer = self.asymmetric.peer_signing
        if signer is None or not signer.verify(signed, signature):
            raise DecipheringError("the signature is wrong, or there is no key to verify it")
        digest = hashlib.sha256(b"signed data" + signed).digest()
        channel = Channel(KeyName.SIGNED_DATA, self.peer_title)
        return lambda: self._received.accept_signed(channel, transaction_id, digest)

    # --- GMAC of high level security ----------------------------------------------------------------

    def authenticate(self, challenge: bytes) -> bytes:
        """SC, IC and tag over a challenge: f(challenge) of mechanism 5."""
        control = AUTHENTICATED | self.keys.suite.number
        counter = self._sent.next()
        tag = self.keys.unicast.tag(
            control, initialization_vector(self.own_title, counter), challenge, self.keys.authentication
        )
        return envelopes.write_content(Content(control, counter, tag))

    def is_authentic(self, challenge: bytes, proof: bytes) -> bool:
        """Whether `proof` is the peer's f(challenge).

        Its counter is not compared with the last one accepted: the APDU that carried it was sealed later and counts
        higher. The challenge is new, so no proof can be a repeated one; the counter moves on past it all the same.
        """
        try:
            content = envelopes.read_content(Reader(proof))
            if content.control != AUTHENTICATED | self.keys.suite.number or len(content.sealed) != TAG_SIZE:
                return False
            iv = initialization_vector(self.peer_title, content.counter)
            self.keys.unicast.open(content.control, iv, challenge + content.sealed, self.keys.authentication)
        except (DecodeError, DecipheringError):
            return False
        self.prove()
        self._received.accept(self._unicast, content.counter)
        return True
