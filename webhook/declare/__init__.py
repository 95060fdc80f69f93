"""What declarations are made of, and what one declaration gives: XML place, class, schema, policy paths.

Their pydantic models are in `webhook.declare.model`, which the service's start does not pay for.
"""

from webhook.declare.element import (
    BACKEND_KINDS,
    SECRET_KINDS,
    Backend,
    Declared,
    Element,
    FieldClass,
    Frontend,
    Goal,
    Reference,
    TextForm,
    backend,
    camel,
    element,
    frontend,
    goal,
    reference,
)
from webhook.declare.field_path import FieldPath, around, declared_form
from webhook.declare.inspect import Inspection, Mark, Where, inspect, place_text
from webhook.declare.number_sets import as_ranges, members, numbers
from webhook.declare.quantity import kib, nano, written
from webhook.declare.scalars import (
    Known,
    Scalar,
    any_quantity,
    boolean,
    choice,
    integer,
    memory,
    nullable,
    shown,
    text,
)
from webhook.declare.schema import schema
from webhook.declare.shape import DeclaredField, Field, Shape, shape_of, walk
from webhook.declare.validation_cache import SIMPLE, remember
from webhook.declare.withheld import problem_of, told

__all__ = [
    "BACKEND_KINDS",
    "SECRET_KINDS",
    "SIMPLE",
    "Backend",
    "Declared",
    "DeclaredField",
    "Element",
    "Field",
    "FieldClass",
    "FieldPath",
    "Frontend",
    "Goal",
    "Inspection",
    "Known",
    "Mark",
    "Reference",
    "Scalar",
    "Shape",
    "TextForm",
    "Where",
    "any_quantity",
    "around",
    "as_ranges",
    "backend",
    "boolean",
    "camel",
    "choice",
    "declared_form",
    "element",
    "frontend",
    "goal",
    "inspect",
    "integer",
    "kib",
    "members",
    "memory",
    "nano",
    "nullable",
    "numbers",
    "place_text",
    "problem_of",
    "reference",
    "remember",
    "schema",
    "shape_of",
    "shown",
    "text",
    "told",
    "walk",
    "written",
]
