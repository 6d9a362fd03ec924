"""What the forecasts are called that verification compares, in tables and in files."""

TEACHER, STUDENT, CONTROL = "teacher", "student", "control"
SHUFFLED = "teacher_shuffled"  # the teacher, given another window's ERA5
PERSISTENCE, OPTICAL_FLOW = "persistence", "optical_flow"
