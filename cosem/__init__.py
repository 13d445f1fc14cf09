"""DLMS/COSEM: types, codecs, APDUs, interface classes, the object model and associations. No sockets, no meter."""
