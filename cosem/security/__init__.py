"""Security of DLMS/COSEM, sans-I/O: ciphering, signing, agreement, authentication; start at `security_context.py`."""
