"""The base of all settings, and their errors in one line."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from difflib import get_close_matches
from typing import Annotated, Any, TypeAlias, TypeVar, get_args

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    ValidationError,
    field_validator,
)

from pdas.support.errors import SettingError, short

LARGEST_SEED = 2**32 - 1
LARGEST_NUMBER = 10**18  # of any setting
LARGEST_SIDE = 10_000  # pixels of an image
# By the type of pydantic's error, with the numbers of its context; and what to do.
_EXPECTED_BY_ERROR = {
    "greater_than": "a number above {gt:.15g}; raise it",
    "greater_than_equal": "a number of at least {ge:.15g}; raise it",
    "less_than": "a number below {lt:.15g}; lower it",
    "less_than_equal": "a number of at most {le:.15g}; lower it",
    "literal_error": "{expected}; set it to one of them",
    **dict.fromkeys(("bool_parsing", "bool_type"), "true or false; write one of them"),
    **dict.fromkeys(("int_parsing", "int_type", "int_from_float"), "a whole number; write it as 8"),
    **dict.fromkeys(("float_parsing", "float_type"), "a number; write it as 0.5"),
    **dict.fromkeys(("list_type", "tuple_type"), "a list; write it as [..., ...]"),
}
_SHOULD = re.compile(r"^\w+ should (?:be|have) (.+?)(?: after validation, .*)?$")  # pydantic's
# A resumed run may change these settings, since they change only the rounding, or the end.
MAY_CHANGE = (
    "device.kernels",
    "search.accumulate",
    "search.max_minutes",
    "search.patience",
    "search.stop_when_decided",
    "retrain.accumulate",
    "retrain.max_minutes",
    "retrain.patience",
)


class Settings(BaseModel):
    """Base of all settings. They are frozen; unknown keys and absurd numbers are errors.

    A number may be at most 10^18. A setting that asks for as much memory or as many processes as
    its number says has a smaller bound of its own.

    Example:
        class BlurSettings(Settings):
            radius: float = Field(1.0, gt=0)

        validated(BlurSettings, {"radius": 2.0}, "blur")
    """

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    @field_validator("*")
    @classmethod
    def _no_absurd_number(cls, value: Any) -> Any:
        for each in value if isinstance(value, tuple) else (value,):
            if isinstance(each, int | float) and abs(each) > LARGEST_NUMBER:
                raise ValueError(f"expected a number of at most {LARGEST_NUMBER:g}")
        return value

    def model_dump(self, **options: Any) -> dict[str, Any]:
        """All settings as plain data, with those of subclasses that a field may hold."""
        return super().model_dump(**{"serialize_as_any": True, **options})

    def model_dump_json(self, **options: Any) -> str:
        """As `model_dump`, as JSON."""
        return super().model_dump_json(**{"serialize_as_any": True, **options})


def _as_directory(name: str) -> str:
    """Check that a name can be part of the name of a directory."""
    fits = name.isprintable() and not set(name) & set('/\\:*?"<>|')
    if not (fits and name and name.strip(". ") == name):
        raise ValueError("expected one that can be that of a directory, as my-recipe")
    return name


Name: TypeAlias = Annotated[str, Field(max_length=100), AfterValidator(_as_directory)]


S = TypeVar("S", bound=Settings)


def validated(kind: type[S], values: Mapping[str, Any], prefix: str = "") -> S:
    """Settings from values.

    Args:
        kind: the class of the settings.
        values: by name.
        prefix: the group of the settings in a recipe, as "search", for messages.

    Raises:
        SettingError: for the first value that does not fit.
    """
    try:
        return kind.model_validate(dict(values))
    except ValidationError as error:
        raise SettingError(one_line(error, kind, prefix)) from None


def one_line(error: ValidationError, kind: type[Settings], prefix: str = "") -> str:
    """The first problem of a pydantic error: the setting, what was found, what was expected.

    Args:
        error: raised by the validation.
        kind: the class of the settings.
        prefix: their group in a recipe.
    """
    first = error.errors()[0]
    key = ".".join([*filter(None, [prefix]), *map(str, first["loc"])])
    if first["type"] == "extra_forbidden":
        return f"{key}: there is no such setting, {_expected_names(kind, first['loc'])}"
    if first["type"] == "missing":
        return f"{key}: found none, expected a value; add {key}"
    message = first["msg"].removeprefix("Value error, ")
    if message.startswith("."):  # of a component, whose message is complete after the field
        return f"{key}{message}".removeprefix(".")
    if first["type"] == "model_type":
        message = f"expected its settings by name; set it to {_example(kind, first['loc'])}"
    if first["type"] in _EXPECTED_BY_ERROR:
        message = f"expected {_EXPECTED_BY_ERROR[first['type']].format_map(first.get('ctx', {}))}"
    message = _SHOULD.sub(r"expected \1", message)
    message = message[0].lower() + message[1:]
    if isinstance(first["input"], Mapping):  # settings contradict each other; it names them
        return ": ".join(filter(None, [key, message]))
    return f"{key}: found {short(first['input'])}, {message}"


def _expected_names(kind: type[BaseModel], place: tuple[int | str, ...]) -> str:
    """The settings in the group of an unknown one, and which of them the user may mean."""
    *groups, name = place
    kind = _settings_at(kind, groups)
    near = get_close_matches(str(name), kind.model_fields, n=1, cutoff=0.7)
    near = near or _inside(kind, str(name))
    hint = f"; did you mean {near[0]}?" if near else ""
    return f"expected one of {', '.join(kind.model_fields)}{hint}"


def _example(kind: type[BaseModel], place: tuple[int | str, ...]) -> str:
    """How the settings of a group are written, as "{cost: ..., maximum: ...}"."""
    return "{" + ", ".join(f"{name}: ..." for name in _settings_at(kind, place).model_fields) + "}"


def _settings_at(kind: type[BaseModel], groups: Iterable[int | str]) -> type[BaseModel]:
    """The settings of a group within some settings."""
    for group in groups:
        if isinstance(group, str):  # otherwise the index of one of several groups
            kind = _settings_in(kind.model_fields[group].annotation) or kind
    return kind


def _inside(kind: type[BaseModel], name: str) -> list[str]:
    """Settings of that name in the default groups of some settings, as "optimizer.momentum"."""
    groups = {key: field.default for key, field in kind.model_fields.items()}
    return [
        f"{key}.{name}"
        for key, group in groups.items()
        if isinstance(group, BaseModel) and name in type(group).model_fields
    ]


def _settings_in(annotation: Any) -> type[BaseModel] | None:
    """The settings in an annotation, also in `A | None` and in `tuple[A, ...]`."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation
    inner = map(_settings_in, get_args(annotation))
    return next((each for each in inner if each is not None), None)


def first_difference(found: Mapping[str, Any], expected: Mapping[str, Any]) -> str | None:
    """The first setting that differs, except those in `MAY_CHANGE`.

    Args:
        found: flat settings, as {"search.epochs": 10}; see `flat`.
        expected: flat settings. A setting that one of the two lacks counts as None.

    Returns:
        Its name; None if no setting differs.
    """
    names = (name for name in {**expected, **found} if name not in MAY_CHANGE)
    return next((name for name in names if found.get(name) != expected.get(name)), None)


def flat(settings: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
    """Nested settings by their dotted names, as {"search.epochs": 10}."""
    found: dict[str, Any] = {}
    for key, value in settings.items():
        nested = isinstance(value, Mapping)
        found |= flat(value, f"{prefix}{key}.") if nested else {f"{prefix}{key}": value}
    return found
