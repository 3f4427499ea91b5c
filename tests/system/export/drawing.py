"""Pages as pictures: by a real browser, and by way of PDF."""

import subprocess

from PIL import Image

QUIET = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--hide-scrollbars",
)


def browsed(page, folder, width, height):
    """What a browser shows of it, a pixel a pixel."""
    html, png = folder / "page.html", folder / "page.png"
    html.write_text(page)
    subprocess.run(
        [
            "chromium",
            *QUIET,
            f"--user-data-dir={folder / 'browser'}",
            f"--window-size={width},{height}",
            f"--screenshot={png}",
            html.as_uri(),
        ],
        check=True,
        capture_output=True,
        timeout=120,
    )
    with Image.open(png) as picture:
        return picture.convert("RGB")


def printed(data, folder, dots=96):
    """Each page of a PDF, at so many dots an inch."""
    (folder / "page.pdf").write_bytes(data)
    subprocess.run(
        ["pdftoppm", "-r", str(dots), "-png", "page.pdf", "sheet"],
        cwd=folder,
        check=True,
        timeout=120,
    )
    sheets = []
    for path in sorted(folder.glob("sheet-*.png")):
        with Image.open(path) as picture:
            sheets.append(picture.convert("RGB"))
    return sheets


def said(data, folder):
    """The text of a PDF."""
    (folder / "page.pdf").write_bytes(data)
    done = subprocess.run(
        ["pdftotext", "-layout", "page.pdf", "-"],
        cwd=folder,
        check=True,
        capture_output=True,
        text=True,
        timeout=60,
    )
    return done.stdout


def near(pixel, colour, within=24):
    """Whether a pixel has this colour (`#0072b2`), smoothed edges left out."""
    wanted = (int(colour[n : n + 2], 16) for n in (1, 3, 5))
    return all(abs(a - b) <= within for a, b in zip(pixel, wanted, strict=True))


def pixels(picture, colour, box):
    """How many pixels of this colour lie in left, top, right, bottom."""
    cut = picture.crop(box)
    counts = cut.getcolors(cut.width * cut.height)
    return sum(count for count, it in counts if near(it, colour))
