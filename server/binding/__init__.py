"""The binding of meter and objects: the only place that knows both."""

from .model import Context, ObjectModel, object_model

__all__ = ["Context", "ObjectModel", "object_model"]
