# What migrations/ builds and installs.
