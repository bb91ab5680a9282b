"""What a colour looks like: lightness, contrast, and to people who are colour-blind."""

import numpy as np
from numpy.typing import NDArray

__all__ = ["COLOUR_BLINDNESS", "contrast", "difference", "lab"]

# For linear RGB, severity 1.0, from "A physiologically-based model for simulation of color vision deficiency" by
# Machado, Oliveira and Fernandes, 2009.
COLOUR_BLINDNESS = {
    "protanopia": [
        [0.152286, 1.052583, -0.204868],
        [0.114503, 0.786281, 0.099216],
        [-0.003882, -0.048116, 1.051998],
    ],
    "deuteranopia": [
        [0.367322, 0.860646, -0.227968],
        [0.280085, 0.672501, 0.047413],
        [-0.011820, 0.042940, 0.968881],
    ],
    "tritanopia": [
        [1.255528, -0.076749, -0.178779],
        [-0.078411, 0.930809, 0.147602],
        [0.004733, 0.691367, 0.303900],
    ],
}
# sRGB to CIE XYZ (D65), IEC 61966-2-1; and the white that Lab is measured against.
TO_XYZ = np.array([[0.4124, 0.3576, 0.1805], [0.2126, 0.7152, 0.0722], [0.0193, 0.1192, 0.9505]])
WHITE = np.array([0.9505, 1.0, 1.089])


def linear(colour: str) -> NDArray[np.float64]:
    values = np.array([int(colour[k : k + 2], 16) for k in (1, 3, 5)]) / 255
    return np.where(values <= 0.04045, values / 12.92, ((values + 0.055) / 1.055) ** 2.4)


def contrast(one: str, other: str) -> float:
    """WCAG 2.2 contrast ratio, 1 to 21."""
    dark, light = sorted(float(TO_XYZ[1] @ linear(colour)) for colour in (one, other))
    return (light + 0.05) / (dark + 0.05)


def lab(colour: str, *, seen_with: str | None = None) -> NDArray[np.float64]:
    """CIE Lab; seen by people with a kind of colour-blindness, or by others (None)."""
    rgb = linear(colour)
    if seen_with:
        rgb = np.clip(np.array(COLOUR_BLINDNESS[seen_with]) @ rgb, 0, 1)
    share = TO_XYZ @ rgb / WHITE
    f = np.where(share > 216 / 24389, np.cbrt(share), (24389 / 27 * share + 16) / 116)
    return np.array([116 * f[1] - 16, 500 * (f[0] - f[1]), 200 * (f[1] - f[2])])


def difference(one: str, other: str, *, seen_with: str | None = None) -> float:
    """CIE 1976 colour difference; about 2.3 can just be noticed side by side."""
    return float(np.linalg.norm(lab(one, seen_with=seen_with) - lab(other, seen_with=seen_with)))
