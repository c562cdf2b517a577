"""Configurations: pydantic models that refuse what they do not know and say so in one line."""

from typing import Any

from pydantic import BaseModel, ConfigDict, ValidationError

from invariance.errors import InputError


class Config(BaseModel):
    """Base of every configuration. A bad field raises `InputError` in one line."""

    model_config = ConfigDict(extra="forbid", validate_default=False)

    def __init__(self, **fields: Any) -> None:
        try:
            super().__init__(**fields)
        except ValidationError as error:
            raise InputError(_one_line(type(self), error)) from None


def _one_line(kind: type[BaseModel], error: ValidationError) -> str:
    problems = []
    for item in error.errors():
        place = ".".join(str(part) for part in item["loc"])
        message = item["msg"].removeprefix("Value error, ")
        if item["type"] == "extra_forbidden":
            message = f"no such field; known: {', '.join(kind.model_fields)}"
        elif item["type"] not in ("value_error", "missing"):
            message = f"{message}, got {item['input']!r}"
        problems.append(f"{place}: {message}" if place else message)
    return f"{kind.__name__}: " + "; ".join(problems)
