"""Composition: device profiles, the binding of meter and objects, sessions, storage, endpoints, command line."""
