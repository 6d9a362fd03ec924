"""The teacher learns from satellite frames and ERA5."""
