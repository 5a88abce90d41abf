"""Guided lessons: files with chapters, steps and tasks, their checks, and how far somebody is; nothing of the app's."""

from mixer_viz.lessons.checks import Seen, Verdict, check
from mixer_viz.lessons.entries import LessonError
from mixer_viz.lessons.lesson import Chapter, Lesson, Mark, State, Step, Task, TeacherNote
from mixer_viz.lessons.progress import CodeError, Progress, read_code, write_code
from mixer_viz.lessons.reading import find_lesson, lessons

__all__ = [
    "Chapter",
    "CodeError",
    "Lesson",
    "LessonError",
    "Mark",
    "Progress",
    "Seen",
    "State",
    "Step",
    "Task",
    "TeacherNote",
    "Verdict",
    "check",
    "find_lesson",
    "lessons",
    "read_code",
    "write_code",
]
