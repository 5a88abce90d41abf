"""Numbers of a picture in formulas."""

from __future__ import annotations

import numpy as np

from mixer_viz.language import tr
from mixer_viz.model.config import Gelu


def gelu_form(gelu: Gelu) -> str:
    """The activation function of this checkpoint at a_u, for LaTeX."""
    if gelu == "erf":
        return r"a_u\,\Phi(a_u)"
    return r"\tfrac{1}{2} a_u\Big(1 + \tanh\big(\sqrt{2/\pi}\,(a_u + 0.044715\,a_u^3)\big)\Big)"


def largest_terms(weights: np.ndarray, values: np.ndarray, products: np.ndarray, term: str, count: int = 3) -> str:
    """The few largest products of a sum in numbers, and their share of all; `term`: "patch", "unit" and so on."""
    order = np.argsort(-np.abs(products), kind="stable")[:count].tolist()
    word = tr(term)
    in_numbers = [
        rf"${tex(weights[index])} \cdot {bracketed(values[index])} = {tex(products[index])}$" for index in order
    ]
    terms = tr(", ").join(
        tr("{term} {number}: {product}", term=word, number=index, product=product)
        for index, product in zip(order, in_numbers, strict=True)
    )
    return tr("The largest of the {count} products: {terms}.", count=products.size, terms=terms)


def tex(value: float, signed: bool = False, digits: int = 4) -> str:
    """A number for LaTeX, with powers of ten written out; `signed` writes the plus as well."""
    text = f"{value:{'+' if signed else ''}.{digits}g}"
    mantissa, _, exponent = text.partition("e")
    return rf"{mantissa} \cdot 10^{{{int(exponent)}}}" if exponent else mantissa


def bracketed(value: float) -> str:
    """As `tex`, in brackets where a sign stands in front."""
    return f"({tex(value)})" if value < 0 else tex(value)
