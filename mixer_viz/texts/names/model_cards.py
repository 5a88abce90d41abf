"""What the cards of the bundled models and of the compared networks say of them, for the catalogues."""

from __future__ import annotations

from mixer_viz.language import mark

DESCRIPTIONS = (
    mark("Mixer with 8 blocks for 32 x 32 images, trained with this project on CIFAR-10"),
    mark("Mixer with 8 blocks for 64 x 64 images, trained with this project on everyday things"),
    mark("Small Mixer with 4 blocks for CIFAR-10, trained with Muon on channel mixing alone"),
    mark("Small Mixer with 4 blocks for CIFAR-10, trained with Muon on token mixing as well"),
)
ACCURACY_NOTES = (
    mark(
        "top-1 on 10,000 test images of CIFAR-10 (JPEG copies, quality 75), half-precision weights, float32 arithmetic"
    ),
    mark(
        "top-1 on 4,200 test images of everyday things (84 classes of Tiny ImageNet put together as 24 by what they "
        "show, 64 x 64 JPEG), half-precision weights, float32 arithmetic"
    ),
)
COMPARED = (  # data, hardware and note on accuracy of the compared networks
    mark("CIFAR-10 as JPEG copies of quality 75, for training and testing alike"),
    mark("one core of an AMD EPYC for each run, beside other work, so that times are rough"),
    mark("top-1 on 10,000 test images, averaged weights, float32 arithmetic"),
)
