"""Compares two independent ZPL renderings with our pictures, dot by dot, and reads our codes with a decoder that is not ours."""

import io
import re
import sys
from pathlib import Path

import numpy
import zplkit
import zplkit.rendering
import zxingcpp
from PIL import Image


def black(png):
    return numpy.array(Image.open(png).convert("L")) < 128


def zplkit_picture(zpl, width, height, dpi):
    # zplkit knows neither ^JZ nor ^PQ, which change no dot.
    zpl = re.sub(rb"\^JZ.|\^PQ[0-9,Y]*", b"", zpl)
    limits = zplkit.rendering.Limits().replace(graphic_bytes=10_000_000, number_abs=1e9)
    options = zplkit.Options(profile="specification", width=width, height=height, dpi=dpi)
    labels = zplkit.render(zpl, options, limits=limits).labels
    assert len(labels) == 1, f"{len(labels)} labels"
    return black(io.BytesIO(labels[0].png()))


def main(folder):
    failures, checks = 0, 0

    def check(name, what, good, detail=""):
        nonlocal failures, checks
        checks += 1
        failures += not good
        if not good:
            print(f"FAILED {name}: {what} {detail}")

    for line in (folder / "labels.tsv").read_text().splitlines():
        name, dots_per_mm, _, _, *codes = line.split("\t")
        ours = black(folder / f"{name}.png")
        height, width = ours.shape
        check(name, "something is printed", ours.any())
        zpl = (folder / f"{name}.zpl").read_bytes()
        dpi = {8: 203, 12: 300, 24: 600}[int(dots_per_mm)]
        renderings = {
            "zpl-renderer-js": black(folder / f"{name}.zebrash.png"),
            "zplkit": zplkit_picture(zpl, width, height, dpi),
        }
        for renderer, theirs in renderings.items():
            same = theirs.shape == ours.shape
            differing = int((theirs != ours).sum()) if same else theirs.shape
            check(name, f"{renderer} makes our picture", same and differing == 0, f"differing: {differing}")
        image = Image.open(folder / f"{name}.png").convert("L")
        read = sorted(code.symbology_identifier + code.bytes.decode() for code in zxingcpp.read_barcodes(image))
        check(name, "zxing-cpp reads every code and no other", read == sorted(codes), f"{read} {codes}")
    print(f"{checks - failures} of {checks} checks passed")
    return 1 if failures or not checks else 0


sys.exit(main(Path(sys.argv[1])))
