# What docs/ builds and installs.
