"""The student learns from satellite frames and from the teacher; the control from frames alone."""
