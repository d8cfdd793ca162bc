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

DPI = {8: 203, 12: 300, 24: 600}


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


def difference(ours, theirs):
    if theirs.shape != ours.shape:
        return f"{theirs.shape} dots, ours has {ours.shape}"
    differing = int((theirs != ours).sum())
    return f"{differing} dots differ" if differing else None


def judged(folder, name, dots_per_mm, codes):
    """What each check finds wrong, None where nothing."""
    ours = black(folder / f"{name}.png")
    height, width = ours.shape
    zpl = (folder / f"{name}.zpl").read_bytes()
    image = Image.open(folder / f"{name}.png").convert("L")
    read = sorted(code.symbology_identifier + code.bytes.decode() for code in zxingcpp.read_barcodes(image))
    return {
        "something is printed": None if ours.any() else "the picture is white",
        "zpl-renderer-js": difference(ours, black(folder / f"{name}.zebrash.png")),
        "zplkit": difference(ours, zplkit_picture(zpl, width, height, DPI[int(dots_per_mm)])),
        "zxing-cpp": None if read == sorted(codes) else f"read {read}, expected {sorted(codes)}",
    }


def main(folder):
    failures = checks = spoilt = 0
    # Not splitlines: a code may hold GS, which Python takes for the end of a line.
    for line in (folder / "labels.tsv").read_text().strip("\n").split("\n"):
        name, dots_per_mm, _, _, must_fail, *codes = line.split("\t")
        found = judged(folder, name, dots_per_mm, [code for code in codes if code])
        spoilt += bool(must_fail)
        for check, wrong in found.items():
            checks += 1
            if check in must_fail.split():
                wrong = None if wrong else "does not see what is wrong on purpose"
            if wrong:
                failures += 1
                print(f"FAILED {name}: {check}: {wrong}")
    print(f"{checks - failures} of {checks} checks passed, {spoilt} labels were wrong on purpose")
    return 0 if checks and spoilt and not failures else 1


sys.exit(main(Path(sys.argv[1])))
