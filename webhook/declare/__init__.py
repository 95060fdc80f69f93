"""What declarations are made of, and what one declaration gives: model, XML place, class, schema, policy paths."""

from webhook.declare.element import (
    BACKEND_KINDS,
    Backend,
    Element,
    Frontend,
    Goal,
    Half,
    Reference,
    backend,
    frontend,
    goal,
    reference,
)
from webhook.declare.inspect import Inspection, Mark, inspect
from webhook.declare.quantity import kib, written
from webhook.declare.scalars import Scalar, boolean, choice, integer, memory, nullable, numbers, shown, text
from webhook.declare.schema import schema
from webhook.declare.shape import Field, Place, Shape, shape_of, walk

__all__ = [
    "BACKEND_KINDS",
    "Backend",
    "Element",
    "Field",
    "Frontend",
    "Goal",
    "Half",
    "Inspection",
    "Mark",
    "Place",
    "Reference",
    "Scalar",
    "Shape",
    "backend",
    "boolean",
    "choice",
    "frontend",
    "goal",
    "inspect",
    "integer",
    "kib",
    "memory",
    "nullable",
    "numbers",
    "reference",
    "schema",
    "shape_of",
    "shown",
    "text",
    "walk",
    "written",
]
