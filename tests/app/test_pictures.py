"""A visitor's own picture: good ones are used on both pages, bad ones change nothing but the message."""

from __future__ import annotations

import io

import numpy as np
import pytest
from PIL import ExifTags, Image
from streamlit.testing.v1 import AppTest

from mixer_viz.ui.sidebar.picture_picker import OWN
from tests.app.driving import check, crop_of, errors, go, made_picture, made_png, start, texts, upload_picture
from tests.made_images import encode, png


def rotated_jpeg() -> tuple[bytes, bytes]:
    """A camera's picture, stored lying on its side, and the same one stored upright; lossless but for the camera."""
    upright = made_picture(5, (32, 32))
    exif = Image.Exif()
    exif[ExifTags.Base.Orientation] = 6  # to be turned by 90 degrees clockwise
    lying = upright.transpose(Image.Transpose.ROTATE_90)
    return encode(lying, "WEBP", lossless=True, exif=exif), encode(upright, "PNG")


GOOD = {
    "rgb.png": made_png(1),
    "rgba.png": made_png(2, mode="RGBA"),
    "grey.png": made_png(3, mode="L"),
    "one pixel.png": made_png(4, (1, 1)),
    "rotated.webp": rotated_jpeg()[0],
    "panorama.png": made_png(6, (400, 3)),
}

BAD = {
    "text.png": b"this is no picture",
    "empty.png": b"",
    "truncated.jpg": encode(made_picture(7), "JPEG")[:400],
    "bomb.png": png(30_000, 30_000, 8, 0, b"\0" * 100),
    "page.png": b"<svg xmlns='http://www.w3.org/2000/svg'><script>alert(1)</script></svg>",
}


@pytest.mark.parametrize("name", GOOD)
def test_good_picture_is_used_on_both_pages(app: AppTest, name: str) -> None:
    sample = crop_of(app)
    check(upload_picture(app, name, GOOD[name]), "overview")
    crop = crop_of(app)
    assert crop != sample
    assert app.selectbox(key="image").value == OWN
    check(go(app, "patches"), "patches")
    assert crop_of(app) == crop
    check(go(app, "overview"), "overview")
    assert crop_of(app) == crop


def test_exif_rotation_is_applied(app: AppTest) -> None:
    lying, upright = rotated_jpeg()
    turned = crop_of(upload_picture(app, "camera.webp", lying))
    assert turned == crop_of(upload_picture(app, "upright.png", upright))


@pytest.mark.parametrize("page", ["overview", "patches"])
@pytest.mark.parametrize("name", BAD)
def test_bad_file_gives_a_sentence_and_changes_nothing(page: str, name: str) -> None:
    app = upload_picture(start(page), "good.png", GOOD["rgb.png"])
    app.number_input(key="token").set_value(5).run()
    crop = crop_of(app)
    (sentence,) = errors(upload_picture(app, name, BAD[name]))
    assert sentence.endswith(".")
    assert "Traceback" not in sentence
    assert "0x" not in sentence
    assert crop_of(app) == crop
    assert app.number_input(key="token").value == 5
    app.selectbox(key="image").select("Cup of coffee").run()
    assert crop_of(app) != crop
    check(upload_picture(app, "next.png", GOOD["grey.png"]), page)


@pytest.mark.parametrize("then", ["remove", "sample"])
def test_the_message_goes_with_the_bad_file(app: AppTest, then: str) -> None:
    assert errors(upload_picture(app, "text.png", BAD["text.png"]))
    if then == "remove":
        app.file_uploader(key="picture_file").set_value(None).run()
    else:
        app.selectbox(key="image").select("Cup of coffee").run()
    check(app, "overview")


def test_back_to_a_sample_and_to_the_own_picture_again(app: AppTest) -> None:
    sample = crop_of(app)
    own = crop_of(upload_picture(app, "own.png", GOOD["rgb.png"]))
    app.selectbox(key="image").select("Cat").run()
    assert crop_of(app) == sample
    app.selectbox(key="image").select(OWN).run()
    assert crop_of(app) == own


def test_two_visitors_do_not_see_each_others_picture(app: AppTest) -> None:
    other = start()
    upload_picture(app, "secret holiday.png", GOOD["rgb.png"])
    other.run()
    assert OWN not in other.selectbox(key="image").options
    assert "secret holiday" not in texts(other)
    assert crop_of(other) != crop_of(app)
    upload_picture(other, "other.png", GOOD["grey.png"])
    app.run()
    assert [visitor.selectbox(key="image").value for visitor in (app, other)] == [OWN, OWN]
    assert crop_of(other) != crop_of(app)


def test_large_pictures_that_differ_in_one_pixel_are_two_pictures(app: AppTest) -> None:
    """Streamlit hashes only a sample of a large array; 800 x 800 x 3 is far above its limit."""
    crops = set()
    pixels = np.asarray(made_picture(8, (800, 800))).copy()
    for level in (0, 255):
        pixels[384:416, 384:416] = level
        buffer = io.BytesIO()
        Image.fromarray(pixels).save(buffer, "PNG", compress_level=1)
        crops.add(crop_of(upload_picture(app, "large.png", buffer.getvalue())))
    assert len(crops) == 2


def test_samples_that_show_a_known_class_come_first_and_each_says_so(app: AppTest) -> None:
    titles = app.selectbox(key="image").options
    assert titles[0] == "Cat"
    captions = {}
    for title in titles:
        app.selectbox(key="image").select(title).run()
        (captions[title],) = [text.value for text in app.sidebar.caption if text.value.startswith("Shows ")]
    known = [captions[title] != "Shows nothing that the model knows." for title in titles]
    assert known == sorted(known, reverse=True)
    assert sum(known) == 5
    assert captions["Moose"] == "Shows what the model knows: deer."


def test_the_answer_says_when_a_sample_fits_no_class(app: AppTest) -> None:
    said = "None of its classes."
    assert not any(said in text.value for text in app.markdown)
    app.selectbox(key="image").select("Crab").run()
    assert any(said in text.value for text in app.markdown)
    upload_picture(app, "own.png", GOOD["rgb.png"])  # of which nobody knows what it shows
    assert not any(said in text.value for text in app.markdown)
