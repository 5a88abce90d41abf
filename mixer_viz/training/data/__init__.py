"""What is trained on: labelled pictures from folders or drawn on the fly, cut into batches and augmented."""
