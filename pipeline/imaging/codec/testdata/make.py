#!/usr/bin/env python3
"""Writes samples/: one small picture in every kind of file that users send.

The picture is 48x32: red, green / blue, light grey quarters (alpha samples: the fourth quarter is transparent black, so
that it must turn white; bilevel and grey samples: what those colours become, or black, white / white, black).
Needs python3-pil and imagemagick (Debian 12). The samples are committed; the tests do not run this."""
import os
import struct
import subprocess

from PIL import Image

os.chdir(os.path.join(os.path.dirname(os.path.abspath(__file__)), "samples"))
W, H = 48, 32
COLOURS = [(255, 0, 0), (0, 255, 0), (0, 0, 255), (200, 200, 200)]


def quarters(mode, colours):
    im = Image.new(mode, (W, H))
    for i, c in enumerate(colours):
        im.paste(c, (W // 2 * (i % 2), H // 2 * (i // 2), W // 2 * (i % 2 + 1), H // 2 * (i // 2 + 1)))
    return im


def convert(*args):
    subprocess.run(["convert", *args], check=True)


rgb = quarters("RGB", COLOURS)
rgba = quarters("RGBA", [c + (255,) for c in COLOURS[:3]] + [(0, 0, 0, 0)])
grey = quarters("L", [0, 90, 180, 255])
bilevel = quarters("1", [0, 255, 255, 0])
paletted = quarters("P", [0, 1, 2, 3])
paletted.putpalette(sum(COLOURS, ()))
cmyk = quarters("CMYK", [(0, 255, 255, 0), (255, 0, 255, 0), (255, 255, 0, 0), (0, 0, 0, 55)])
rgb.save("/tmp/quarters.png")
rgba.save("/tmp/quarters-alpha.png")
grey.save("/tmp/quarters-grey.png")
bilevel.save("/tmp/quarters-bilevel.png")

exif = Image.Exif()
exif[0x0112] = 6
rgb.save("baseline-420.jpg", quality=95)
rgb.save("baseline-444.jpg", quality=95, subsampling=0)
rgb.save("progressive.jpg", quality=95, progressive=True)
rgb.save("orientation-6.jpg", quality=95, exif=exif)
grey.save("grey.jpg", quality=95)
cmyk.save("cmyk.jpg", quality=95)

rgb.save("rgb.png")
rgba.save("alpha.png")
grey.save("grey.png")
bilevel.save("bilevel.png")
paletted.save("palette.png", bits=2)
paletted.save("palette-alpha.png", transparency=3)
rgb.save("colour-key.png", transparency=COLOURS[3])
rgb.save("orientation-6.png", exif=exif)
convert("/tmp/quarters.png", "-interlace", "PNG", "PNG24:interlaced.png")
convert("/tmp/quarters.png", "PNG48:rgb-16.png")
convert("/tmp/quarters-alpha.png", "PNG64:alpha-16.png")
convert("/tmp/quarters-grey.png", "-alpha", "set", "-define", "png:color-type=4", "grey-alpha.png")
convert("/tmp/quarters-grey.png", "-define", "png:color-type=0", "-define", "png:bit-depth=16", "grey-16.png")
rgb.save("animated.png", save_all=True, append_images=[rgb.transpose(Image.ROTATE_180)], duration=100)

for name, compression in {"none": None, "lzw": "tiff_lzw", "deflate": "tiff_adobe_deflate", "packbits": "packbits", "jpeg": "jpeg"}.items():
    rgb.save(f"rgb-{name}.tif", compression=compression)
rgb.save("orientation-6.tif", tiffinfo={0x0112: 6})
grey.save("grey.tif")
bilevel.save("bilevel.tif")
bilevel.save("bilevel-g3.tif", compression="group3")
bilevel.save("bilevel-g4.tif", compression="group4")
convert("/tmp/quarters-bilevel.png", "-monochrome", "-compress", "Group4", "-define", "quantum:polarity=min-is-white", "fax.tif")
paletted.save("palette.tif")
cmyk.save("cmyk.tif")
rgba.save("alpha.tif")
convert("/tmp/quarters-alpha.png", "-define", "tiff:alpha=associated", "-compress", "LZW", "alpha-associated.tif")
convert("/tmp/quarters.png", "-depth", "16", "-compress", "LZW", "rgb-16.tif")
convert("/tmp/quarters.png", "-endian", "MSB", "big-endian.tif")
convert("/tmp/quarters.png", "-define", "tiff:tile-geometry=16x16", "-compress", "LZW", "tiled.tif")
convert("/tmp/quarters.png", "-interlace", "plane", "-compress", "LZW", "planar.tif")
rgb.save("three-pages.tif", save_all=True, append_images=[rgb.rotate(90, expand=True), bilevel], compression="tiff_lzw")

rgb.save("rgb.bmp")
paletted.save("palette.bmp")
bilevel.save("bilevel.bmp")
convert("/tmp/quarters.png", "-type", "palette", "-compress", "RLE", "BMP3:rle8.bmp")
convert("/tmp/quarters-alpha.png", "bitfields-32.bmp")
with open("rgb.bmp", "rb") as f:
    b = bytearray(f.read())
stride = W * 3
rows = [b[54 + stride * y:54 + stride * (y + 1)] for y in range(H)]
b[22:26] = struct.pack("<i", -H)
b[54:] = b"".join(reversed(rows))
with open("top-down.bmp", "wb") as f:
    f.write(b)

rgb.save("lossy.webp", quality=95)
rgb.save("lossless.webp", lossless=True)
rgba.save("alpha.webp", quality=95)
rgba.save("alpha-lossless.webp", lossless=True)
rgb.save("orientation-6.webp", quality=95, exif=exif)
rgb.save("animated.webp", save_all=True, append_images=[rgb.transpose(Image.ROTATE_180)], duration=100)
rgb.save("animated.gif", save_all=True, append_images=[rgb.transpose(Image.ROTATE_180)], duration=100)
