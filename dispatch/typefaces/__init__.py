"""The type that ships with the project, so that every name can be printed without a network."""

from dispatch.typefaces.cabinet import Typefaces, TypefacesError, advance, undrawable

__all__ = ["Typefaces", "TypefacesError", "advance", "undrawable"]
