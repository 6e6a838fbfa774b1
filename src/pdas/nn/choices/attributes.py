"""Attributes of a candidate, read where a choice stands in its place."""

from __future__ import annotations

from typing import Any

from pdas.nn.choices.choice_point import ChoicePoint


class PassesAttributes(ChoicePoint):
    """A choice that has the attributes of the module that it stands for.

    So code that reads `layer.weight` or `layer.attention_type` works with a choice in its place.

    Example:
        class Choice(PassesAttributes): ...  # which says what `passed_on` is
    """

    def __getattr__(self, name: str) -> Any:
        try:
            return super().__getattr__(name)
        except AttributeError:
            # Copying asks for names of Python, before there is a candidate; numbers are candidates.
            own = name.startswith("__") or name.isdecimal()
            if own or "0" not in vars(self).get("_modules", ()):
                raise
        return self.passed_on(name)

    def passed_on(self, name: str) -> Any:
        """The value of an attribute of the module that it stands for.

        Args:
            name: of the attribute.

        Raises:
            AttributeError: there is none.
        """
        raise NotImplementedError

    def no_attribute(self, name: str, found: str, remedy: str = "") -> AttributeError:
        """The error of an attribute that there is not.

        Args:
            name: of the attribute.
            found: what there is.
            remedy: what to do.
        """
        line = f"{self}: found {found}, expected the attribute {name!r}"
        return AttributeError(f"{line}; {remedy}" if remedy else line)
