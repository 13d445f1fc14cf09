"""A client of the control API with nothing but the standard library: what `meter382 inject` speaks with.

Which kinds of input there are, and what their fields hold, it reads from the API's own description
(`/openapi.json`); so it knows the inputs of the meter it talks to, not those of its own version.
"""

from __future__ import annotations

import json
from http.client import HTTPConnection, HTTPException
from typing import Any, Final, NamedTuple
from urllib.parse import urlsplit

_INPUTS: Final = "/meters/{serial_number}/inputs/"
_ADVANCE: Final = "/time/advance"
ADVANCE: Final = "advance"
"""The name of moving stepped time among the kinds of input."""
_TIMEOUT_S: Final = 40.0
"""Longer than the API lets a request take."""
_TRUE, _FALSE = frozenset({"true", "yes", "on", "1"}), frozenset({"false", "no", "off", "0"})


class ControlError(Exception):
    """The API could not be reached, or did not do it; the text says why."""


class Field(NamedTuple):
    """A field of a kind: its JSON schema, and whether it has to be given."""

    schema: dict[str, Any]
    required: bool

    @property
    def type(self) -> str:
        """What it holds, for people."""
        return _type_of(self.schema)


class Kind(NamedTuple):
    """A kind of input."""

    name: str
    summary: str
    path: str
    fields: dict[str, Field]

    def body(self, given: dict[str, str]) -> dict[str, Any]:
        """The JSON of these texts; raises `ValueError` where a field is unknown, missing or no such value."""
        for name in given:
            if name not in self.fields:
                raise ValueError(f"{self.name} has no field {name} (there are: {', '.join(self.fields) or 'none'})")
        missing = [name for name, field in self.fields.items() if field.required and name not in given]
        if missing:
            raise ValueError(f"{self.name} needs {', '.join(missing)}")
        body = {}
        for name, text in given.items():
            try:
                body[name] = _value(self.fields[name].schema, text)
            except ValueError:
                raise ValueError(f"{name}={text}: {self.fields[name].type} expected") from None
        return body


class ControlClient:
    """Talks to the control API at `HOST:PORT` or `http://HOST:PORT`; raises `ValueError` where it is neither."""

    def __init__(self, address: str, token: str | None = None) -> None:
        parts = urlsplit(address if "://" in address else f"http://{address}")
        if parts.scheme != "http" or parts.hostname is None or parts.port is None or parts.path.strip("/"):
            raise ValueError(f"{address!r} is no HOST:PORT (127.0.0.1:8382, or http://127.0.0.1:8382)")
        self.host, self.port = parts.hostname, parts.port
        self._token = token

    def kinds(self) -> dict[str, Kind]:
        """Every kind of input, by name; and `advance`. Raises `ControlError`."""
        description = self.get("/openapi.json")
        found = {}
        for path, operations in description["paths"].items():
            if path.startswith(_INPUTS) or path == _ADVANCE:
                name = ADVANCE if path == _ADVANCE else path.removeprefix(_INPUTS)
                operation = operations["post"]
                schema = operation.get("requestBody", {}).get("content", {}).get("application/json", {}).get("schema")
                fields = _fields(description, schema or {})
                found[name] = Kind(name, operation.get("summary", ""), path, fields)
        return found

    def meters(self) -> list[int]:
        """The serial numbers of the run. Raises `ControlError`."""
        return [row["serial_number"] for row in self.get("/meters")]

    def post(self, kind: Kind, serial_number: int | None, body: dict[str, Any]) -> dict[str, Any]:
        """Let it happen; `serial_number` goes with everything but `advance`. Raises `ControlError`."""
        answer: dict[str, Any] = self._request("POST", kind.path.format(serial_number=serial_number), body)
        return answer

    def get(self, path: str) -> Any:
        """Look. Raises `ControlError`."""
        return self._request("GET", path, None)

    def _request(self, method: str, path: str, body: dict[str, Any] | None) -> Any:
        headers = {"Accept": "application/json"}
        if self._token is not None:
            headers["Authorization"] = f"Bearer {self._token}"
        if body is not None:
            headers["Content-Type"] = "application/json"
        connection = HTTPConnection(self.host, self.port, timeout=_TIMEOUT_S)
        try:
            connection.request(method, path, None if body is None else json.dumps(body), headers)
            response = connection.getresponse()
            status, content = response.status, response.read()
        except (OSError, HTTPException) as error:
            reason = getattr(error, "strerror", None) or str(error) or type(error).__name__
            raise ControlError(f"{self.host}:{self.port}: {reason}") from error
        finally:
            connection.close()
        try:
            answer = json.loads(content)
        except ValueError:
            raise ControlError(f"{self.host}:{self.port}: no control API there (status {status})") from None
        if status != 200:
            raise ControlError(_reason(answer, status))
        return answer


def _reason(answer: Any, status: int) -> str:
    detail = answer.get("detail") if isinstance(answer, dict) else None
    if isinstance(detail, list):
        return "; ".join(_fault(fault) for fault in detail)
    return str(detail) if detail else f"status {status}"


def _fault(fault: dict[str, Any]) -> str:
    field = ".".join(str(part) for part in fault.get("loc", ())[1:])
    message = str(fault.get("msg"))
    return message if not field or message.startswith(field) else f"{field}: {message}"


# --- schemas ----------------------------------------------------------------------------------------------


def _fields(description: dict[str, Any], schema: dict[str, Any]) -> dict[str, Field]:
    """The fields of an object schema, references followed."""
    schema = _chosen(schema)
    if "$ref" in schema:
        schema = description["components"]["schemas"][schema["$ref"].rpartition("/")[2]]
    required = schema.get("required", ())
    return {
        name: Field(_resolved(description, field), name in required)
        for name, field in schema.get("properties", {}).items()
    }


def _resolved(description: dict[str, Any], schema: dict[str, Any]) -> dict[str, Any]:
    schema = _chosen(schema)
    if "$ref" in schema:
        return _resolved(description, description["components"]["schemas"][schema["$ref"].rpartition("/")[2]])
    return schema


def _chosen(schema: dict[str, Any]) -> dict[str, Any]:
    """The alternative that is not null."""
    alternatives = [item for item in schema.get("anyOf", ()) if item.get("type") != "null"]
    return alternatives[0] if alternatives else schema


def _type_of(schema: dict[str, Any]) -> str:
    schema = _chosen(schema)
    if "enum" in schema:
        return " or ".join(map(str, schema["enum"]))
    kind = schema.get("type", "JSON")
    if kind == "array" and "prefixItems" in schema:
        return ",".join(_type_of(item) for item in schema["prefixItems"])
    if kind == "array":
        return f"{_type_of(schema.get('items', {}))},..."
    if kind == "object":
        return "JSON"
    return "date-time" if schema.get("format") == "date-time" else str(kind)


def _value(schema: dict[str, Any], text: str) -> Any:
    """The value of a text; raises `ValueError`."""
    nullable = any(item.get("type") == "null" for item in schema.get("anyOf", ()))
    if nullable and text in ("", "null"):
        return None
    schema = _chosen(schema)
    kind = schema.get("type")
    if text[:1] in ("[", "{") or kind == "object":
        return json.loads(text)
    if kind == "array":
        parts = text.split(",") if text else []
        items = schema.get("prefixItems") or [schema.get("items", {})] * len(parts)
        if len(items) != len(parts):
            raise ValueError("another number of values")
        return [_value(item, part) for item, part in zip(items, parts, strict=True)]
    if kind == "boolean":
        if text.lower() not in _TRUE | _FALSE:
            raise ValueError("neither true nor false")
        return text.lower() in _TRUE
    if kind == "integer":
        return int(text)
    if kind == "number":
        return float(text)
    return text
