"""One pass over a folder of pictures: what every unit does on all of them, and how good the answers are."""
