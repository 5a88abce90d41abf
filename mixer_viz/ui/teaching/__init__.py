"""For lessons: links that say what pupils may change, and pages as one file to keep or to print."""
