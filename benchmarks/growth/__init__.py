"""How cost grows with the number of profiles: the same work at each of several sizes, and plots of it."""
