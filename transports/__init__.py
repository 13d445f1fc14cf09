"""What carries APDUs: the HDLC link, the TCP/UDP wrapper, the IEC 62056-21 dialogue, and the drivers around them.

Everything but the driver files (`tcp`, `udp`, `serial_port`, `pty`, `connection`) is sans-I/O: octets and the
time go in; events, octets and the next deadline come out. Nothing here looks inside an APDU. Start with
`events` for what the layer above sees and `stream` for how the octets of one line find their protocol.
"""
