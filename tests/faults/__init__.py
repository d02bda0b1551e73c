"""The protocol under crashes, cuts and old state: in memory by random schedules, and for real by kills."""
