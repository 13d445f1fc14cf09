"""Referencing by short names: READ, WRITE, UnconfirmedWrite, InformationReport, base names and Association SN."""
