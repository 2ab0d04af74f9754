"""A model field for weights: a Decimal kept digit for digit."""

from decimal import Decimal, InvalidOperation
from typing import Any

from django.core import exceptions
from django.db import models

MAX_DECIMALS = 15
MAX_DIGITS = 30


def canonical(value: Decimal) -> str:
    """The shortest plain notation of a Decimal: 2.50 -> '2.5', 1E+2 -> '100'."""
    text = format(value, "f")
    return text.rstrip("0").rstrip(".") or "0" if "." in text else text


class ExactDecimalField(models.Field):
    """A non-negative Decimal with up to 15 decimals, stored as text.

    SQLite keeps a DecimalField as a binary float and so loses digits beyond the fifteenth; a weight must come
    back from the database exactly as the workbook gave it, and the database never calculates with it.
    """

    description = "精确小数"

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        kwargs.setdefault("max_length", MAX_DIGITS + 2)
        super().__init__(*args, **kwargs)

    def get_internal_type(self) -> str:
        return "CharField"

    def from_db_value(self, value: str | None, _expression: Any, _connection: Any) -> Decimal | None:
        return None if value is None else Decimal(value)

    def to_python(self, value: Any) -> Decimal | None:
        if value is None or isinstance(value, Decimal):
            return value
        if value == "":
            return None
        try:
            # through str, so that a float means the digits it shows
            return Decimal(str(value).strip())
        except InvalidOperation as error:
            raise exceptions.ValidationError(f"“{value}”不是数字。") from error

    def validate(self, value: Any, model_instance: Any) -> None:
        super().validate(value, model_instance)
        if value is None:
            return
        if not value.is_finite() or value < 0:
            raise exceptions.ValidationError("应为不小于 0 的数字。")
        if -int(value.as_tuple().exponent) > MAX_DECIMALS:
            raise exceptions.ValidationError(f"最多保留 {MAX_DECIMALS} 位小数。")

    def get_prep_value(self, value: Any) -> str | None:
        value = self.to_python(super().get_prep_value(value))
        if value is None:
            return None
        if not value.is_finite() or value < 0:
            raise ValueError(f"{self.name}: {value} is not a finite number of at least 0")
        return canonical(value)
