"""Untrusted bytes -> RGB images -> normalised pixels; sample pictures and folders of labelled ones."""

from mixer_viz.images.pixels import DEFAULT_MEAN as DEFAULT_MEAN
from mixer_viz.images.pixels import DEFAULT_STD as DEFAULT_STD
from mixer_viz.images.pixels import MAX_IMAGE_BYTES as MAX_IMAGE_BYTES
from mixer_viz.images.pixels import MAX_IMAGE_PIXELS as MAX_IMAGE_PIXELS
from mixer_viz.images.pixels import ImageError as ImageError
from mixer_viz.images.pixels import crop_box as crop_box
from mixer_viz.images.pixels import crop_image as crop_image
from mixer_viz.images.pixels import normalise as normalise
from mixer_viz.images.pixels import open_image as open_image
from mixer_viz.images.pixels import pixels_to_image as pixels_to_image
from mixer_viz.images.pixels import preprocess as preprocess
