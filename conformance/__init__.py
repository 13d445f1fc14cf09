"""A client for any DLMS/COSEM meter: blocking, with sockets and serial ports of its own.

Start with `client.MeterClient`; `endpoint` says where a meter can be, `errors` what can go wrong on the way.
Only here are clocks read and waited for; what speaks the protocols is in `transports` and `cosem`.
"""
