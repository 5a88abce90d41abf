"""Lessons beside the pages: where somebody is, the panel, the tasks, and the list of all lessons."""
